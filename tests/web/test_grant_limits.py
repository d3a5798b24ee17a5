"""Limits on the pages: given, shown as a sentence, changed."""

import pytest

from runbooks.models import Grant
from tests.usecases.test_limits import lent
from tests.web.helpers import main_text
from tests.web.test_access import asked
from tests.world import World

LIMITED = {
    "limit_values": "env = staging, qa\nhost ~ web[0-9]+\nforce = false",
    "limit_when": 'params.env != "production"',
    "limit_nodes": "env=staging",
    "limit_max_nodes": "5",
    "limit_days": ["mon", "fri"],
    "limit_from": "09:00",
    "limit_zone": "Europe/Berlin",
    "limit_per_hour": "3",
    "limit_per_day": "10",
    "limit_triggers": ["ui", "cli"],
}
LIMITS = {
    "values": {"env": {"in": ["staging", "qa"]}, "host": {"pattern": "web[0-9]+"}, "force": {"in": [False]}},
    "when": 'params.env != "production"',
    "nodes": "env=staging",
    "max_nodes": 5,
    "hours": {"days": ["mon", "fri"], "from": "09:00", "to": "24:00", "zone": "Europe/Berlin"},
    "per_hour": 3,
    "per_day": 10,
    "triggers": ["ui", "cli"],
}


def test_an_owner_gives_limits_on_the_page_and_they_read_as_a_sentence(world: World) -> None:
    owner = world.browser("owner")
    assert owner.post("/access/new", asked(**LIMITED)).status_code == 302
    made = Grant.objects.get(user__username="stranger")
    assert made.limits == LIMITS
    assert "at most 5 nodes; only Mon, Fri 09:00 to 24:00 Europe/Berlin; at most 3 an hour" in main_text(
        owner.get("/access")
    )


def test_without_limits_there_are_none_and_the_fields_are_folded_away(world: World) -> None:
    owner = world.browser("owner")
    assert b'<details class="limits">' in owner.get("/access/new").content
    owner.post("/access/new", asked(limit_zone="UTC"))
    assert Grant.objects.get(user__username="stranger").limits == {}


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("limit_values", "env", "Write “env” as"),
        ("limit_values", "host ~ (", "RE2 cannot read"),
        ("limit_when", "params.env ==", "no CEL expression"),
        ("limit_from", "9", "Give a time from"),
        ("limit_max_nodes", "0", "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_with_a_limit_stands_beside_its_field(world: World, field: str, text: str, said: str) -> None:
    answer = world.browser("owner").post("/access/new", asked(**{field: text}))
    assert answer.status_code == 422
    assert said in " ".join(answer.context["form"].errors[field])
    assert b'<details class="limits" open>' in answer.content


def test_a_grant_is_changed_by_another_in_its_place(world: World) -> None:
    old = lent(world, LIMITS)
    owner = world.browser("owner")
    shown = owner.get(f"/access/{old.pk}/change").context["form"]
    given = {name: shown[name].value() for name in LIMITED}
    assert {name: str(value) for name, value in given.items()} == {name: str(value) for name, value in LIMITED.items()}
    form = {**asked(**LIMITED), "principal": "user:auditor", "lasts": "forever", "limit_per_hour": "2"}
    assert owner.post(f"/access/{old.pk}/change", form).status_code == 302
    old.refresh_from_db()
    assert old.revoked_at
    (made,) = Grant.objects.filter(user__username="stranger", revoked_at=None)
    assert made.limits == {**LIMITS, "per_hour": 2}
    assert owner.post(f"/access/{old.pk}/change", form).status_code == 409


def test_a_change_that_changes_nothing_revokes_nothing(world: World) -> None:
    old = lent(world, {"per_hour": 2})
    form = {**asked(limit_per_hour="2"), "lasts": "forever"}
    assert world.browser("owner").post(f"/access/{old.pk}/change", form).status_code == 302
    old.refresh_from_db()
    assert old.revoked_at is None
