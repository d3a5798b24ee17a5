from typing import Any

from django.test import Client

from runbooks.domain.form_values import values_from_form
from runbooks.domain.parameters import Parameter, ParameterType
from runbooks.domain.ports import Outcome, OutcomeKind
from runbooks.models import Run, Runbook
from tests.web.helpers import main_text
from tests.world import FakeExecutor, World

FORM = "/runbooks/payments/restart/run"
PARAMETERS: list[dict[str, Any]] = [
    {"name": "env", "type": "choice", "choices": ["staging", "production"], "default": "staging"},
    {"name": "host", "type": "string", "pattern": "[a-z0-9-]+"},
    {"name": "count", "type": "integer", "min": 1, "max": 9, "default": 3},
    {"name": "ratio", "type": "number", "required": False},
    {"name": "dry", "type": "boolean", "default": True},
    {"name": "notes", "type": "text", "required": False},
]
SOUND = {"p-env": "production", "p-host": "db-1", "p-count": "4", "p-ratio": "0.5", "p-notes": "a\r\nb", "key": "k1"}


def restart(world: World, **spec: Any) -> Runbook:
    return world.published("restart", parameters=PARAMETERS, **spec)


def page(browser: Client, address: str = FORM) -> str:
    return str(browser.get(address).content.decode())


def test_the_form_starts_a_run_with_typed_values_and_leads_to_it(world: World) -> None:
    restart(world)
    answer = world.browser("runner").post(FORM, {**SOUND, "reason": " OPS-1 "})
    run = Run.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == f"/runs/{run.pk}"
    assert run.parameters == {
        "env": "production", "host": "db-1", "count": 4, "ratio": 0.5, "dry": False, "notes": "a\nb",
    }  # fmt: skip
    assert (run.requested_by.username, run.trigger, run.reason) == ("runner", "ui", "OPS-1")


def test_errors_stand_beside_their_fields_and_everything_typed_is_kept(world: World) -> None:
    restart(world)
    typed = {**SOUND, "p-host": "Not A Host", "p-count": "many", "reason": "because"}
    answer = world.browser("runner").post(FORM, typed)
    text = answer.content.decode()
    assert answer.status_code == 400
    assert not Run.objects.exists()
    assert "The whole value must match the pattern" in text
    assert "This must be a whole number." in text
    assert 'value="Not A Host"' in text
    assert 'value="many"' in text
    assert 'value="because"' in text
    assert 'aria-describedby="id_p-count-help id_p-count-error"' in text
    assert '<a href="#id_p-host">Host</a>' in text


def test_values_from_a_link_are_filled_in_labelled_and_start_nothing(world: World) -> None:
    restart(world)
    text = page(world.browser("runner"), f"{FORM}?p-host=db-7&p-dry=false&p-count=8&reason=alert&p-colour=red")
    assert not Run.objects.exists()
    assert 'value="db-7"' in text
    assert text.count("from the link") == 4
    assert "does not ask for: colour" in text
    assert '<input type="checkbox" name="p-dry" ' in text
    assert "checked" not in text.split('name="p-dry"')[1].split(">")[0]


def test_enter_presses_a_button_that_does_nothing(world: World) -> None:
    restart(world)
    form = page(world.browser("runner")).split('id="run-form"')[1]
    assert form.index('<button type="submit" disabled hidden') < form.index("Start the run")
    assert form.index('<button type="submit" disabled hidden') < form.index("<input")


def test_the_same_form_sent_twice_is_one_run(world: World) -> None:
    restart(world)
    browser = world.browser("runner")
    first, second = browser.post(FORM, SOUND), browser.post(FORM, SOUND)
    assert Run.objects.count() == 1
    assert first["Location"] == second["Location"]
    assert "This form had been sent before" in browser.get(second["Location"]).content.decode()


def test_the_same_form_with_other_values_is_another_run(world: World) -> None:
    restart(world)
    browser = world.browser("runner")
    world.executed(Run.objects.get(pk=browser.post(FORM, SOUND)["Location"].rpartition("/")[2]))
    browser.post(FORM, {**SOUND, "p-host": "db-2"})
    assert Run.objects.count() == 2


def test_a_run_under_way_is_told_and_asked_about(world: World) -> None:
    other = world.started(restart(world), {"host": "db-9"}, by="owner")
    browser = world.browser("runner")
    assert "started by owner" in page(browser)
    refused = browser.post(FORM, SOUND)
    assert refused.status_code == 409
    assert Run.objects.count() == 1
    assert "Nothing was started" in refused.content.decode()
    assert 'value="db-1"' in refused.content.decode()
    assert browser.post(FORM, {**SOUND, "beside": str(other.pk)}).status_code == 302
    assert Run.objects.count() == 2


def test_a_tick_for_one_run_is_no_tick_for_the_next(world: World) -> None:
    runbook = restart(world)
    seen = world.started(runbook, {"host": "db-8"}, by="owner")
    world.started(runbook, {"host": "db-9"}, by="owner2")
    assert world.browser("runner").post(FORM, {**SOUND, "beside": str(seen.pk)}).status_code == 409


def test_high_risk_asks_for_a_reason_and_the_name_of_the_runbook(world: World) -> None:
    restart(world, risk="high")
    browser = world.browser("runner")
    text = browser.post(FORM, SOUND).content.decode()
    assert "This runbook is of high risk: say why you run it." in text
    assert "Type “restart” to show that you mean this runbook." in text
    assert not Run.objects.exists()
    browser.post(FORM, {**SOUND, "reason": "INC-3", "slug": "restart"})
    assert Run.objects.get().reason == "INC-3"


def test_a_confirmed_value_has_to_be_typed_twice(world: World) -> None:
    parameters = [{"name": "host", "type": "string", "confirm": True}]
    world.published("restart", parameters=parameters)
    browser = world.browser("runner")
    slip = browser.post(FORM, {"p-host": "db-1", "again-host": "db-2", "key": "k"})
    assert slip.status_code == 400
    assert "This is not the same as above." in slip.content.decode()
    assert browser.post(FORM, {"p-host": "db-1", "again-host": "db-1", "key": "k"}).status_code == 302


def test_the_panel_shows_the_values_as_they_will_be_passed(world: World) -> None:
    restart(world)
    browser = world.browser("runner")
    panel = browser.post(f"{FORM}/preview", SOUND).content.decode()
    assert '<code class="value">db-1</code>' in panel
    assert '<code class="value">false</code>' in panel
    assert "Owner, Owner2" in " ".join(panel.replace("</span>", "").replace('<span title="owner2">', "").split())
    assert "A value is needed here." in browser.post(f"{FORM}/preview", {}).content.decode()
    assert not Run.objects.exists()


def test_a_form_without_the_session_s_secret_starts_nothing(world: World) -> None:
    restart(world)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.user("runner"), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.post(FORM, SOUND).status_code == 403
    assert not Run.objects.exists()


def test_an_earlier_run_lends_its_values(world: World) -> None:
    earlier = world.executed(world.started(restart(world), {"host": "db-5", "dry": False}))
    browser = world.browser("runner")
    text = page(browser, f"{FORM}?from={earlier.pk}")
    assert 'value="db-5"' in text
    assert "from the earlier run" in text
    browser.post(FORM, {**SOUND, "from": str(earlier.pk)})
    assert Run.objects.exclude(pk=earlier.pk).get().rerun_of == earlier


def test_the_default_of_an_emptied_number_is_used(world: World) -> None:
    restart(world)
    world.browser("runner").post(FORM, {**SOUND, "p-count": ""})
    assert Run.objects.get().parameters["count"] == 3


TYPES: list[dict[str, Any]] = [
    {
        "name": "days",
        "type": "choices",
        "choices": ["mon", "tue", "wed"],
        "default": ["mon"],
        "max": 2,
        "confirm": True,
    },
    {"name": "at", "type": "datetime", "min": "2026-01-01T00:00:00Z", "required": False, "confirm": True},
]


def ticked(text: str) -> int:
    return text.split('id="run-form"')[1].split("</form>", maxsplit=1)[0].count("checked")


def test_choices_and_moments_have_fields_of_their_own(world: World) -> None:
    world.published("restart", parameters=TYPES)
    text = page(world.browser("runner"))
    assert text.count('type="checkbox" name="p-days"') == 3
    assert ticked(text) == 1
    assert 'type="datetime-local" name="p-at"' in text
    assert "In UTC. At least 2026-01-01 00:00:00." in text
    assert "Choose at most 2." in text


def test_choices_and_moments_from_a_link_are_filled_in(world: World) -> None:
    world.published("restart", parameters=TYPES)
    text = page(world.browser("runner"), f"{FORM}?p-days=tue&p-days=wed&p-at=2026-11-21T15:00:00%2B01:00")
    assert ticked(text) == 2
    assert 'value="2026-11-21T14:00:00"' in text
    assert text.count("from the link") == 2


def test_choices_and_moments_start_a_run_once_they_are_typed_again(world: World) -> None:
    world.published("restart", parameters=TYPES)
    given = {"p-days": ["mon", "wed"], "p-at": "2026-11-21T14:00", "key": "k1", "again-days": "wed, mon"}
    refused = world.browser("runner").post(FORM, {**given, "again-at": "2026-11-21 15:00"})
    assert (refused.status_code, Run.objects.count()) == (400, 0)
    assert ticked(refused.content.decode()) == 2
    world.browser("runner").post(FORM, {**given, "again-at": "2026-11-21 14:00"})
    assert Run.objects.get().parameters == {"days": ["mon", "wed"], "at": "2026-11-21T14:00:00Z"}


def test_the_panel_knows_too_many_choices(world: World) -> None:
    world.published("restart", parameters=TYPES)
    given = {"p-days": ["mon", "tue", "wed"]}
    assert "Choose at most 2." in world.browser("runner").post(f"{FORM}/preview", given).content.decode()


KEYED: dict[str, Any] = {
    "concurrency": {"key": "params.host", "on_conflict": "reject"},
    "parameters": [{"name": "host", "type": "string"}, {"name": "token", "type": "secret"}],
}


def test_a_key_that_another_run_has_is_told_with_a_link_and_everything_typed_is_kept(world: World) -> None:
    other = world.started(world.published("restart", **KEYED), {"host": "db-1", "token": "hush hush"}, by="owner")
    typed = {"p-host": "db-1", "p-token": "sesame open", "reason": "OPS-7", "key": "k", "beside": str(other.pk)}
    browser = world.browser("runner")
    refused = browser.post(FORM, typed)
    text = refused.content.decode()
    assert (refused.status_code, Run.objects.count()) == (409, 1)
    assert "for owner since" in main_text(refused)
    assert f'href="/runs/{other.pk}"' in text
    assert 'value="db-1"' in text
    assert 'value="OPS-7"' in text
    assert "sesame" not in text
    assert "type it again: it is not kept" in text
    world.executed(other)
    assert browser.post(FORM, typed).status_code == 302


def test_run_again_while_the_key_is_held_leads_to_the_run_that_has_it(world: World) -> None:
    book = world.published("restart", concurrency={"key": "'one'", "on_conflict": "reject"})
    ended = world.executed(world.started(book))
    other = world.started(book, by="owner")
    browser = world.browser("runner")
    form = browser.post(f"/runs/{ended.pk}/rerun", {"key": "k"})["Location"]
    refused = browser.post(form.partition("?")[0], {"from": str(ended.pk), "key": "k", "beside": str(other.pk)})
    assert (refused.status_code, Run.objects.count()) == (409, 2)
    assert f'href="/runs/{other.pk}"' in refused.content.decode()


def test_resuming_while_the_key_is_held_leads_to_the_run_that_has_it(world: World) -> None:
    book = world.published("restart", concurrency={"key": "'one'", "on_conflict": "reject"})
    failed = world.executed(world.started(book), FakeExecutor(outcome=Outcome(kind=OutcomeKind.EXITED, exit_code=1)))
    other = world.started(book, by="owner")
    refused = world.browser("runner").post(f"/runs/{failed.pk}/resume")
    assert (refused.status_code, Run.objects.count()) == (409, 2)
    assert f'href="/runs/{other.pk}"' in refused.content.decode()


def test_a_secret_of_several_lines_keeps_its_lines(world: World) -> None:
    values = values_from_form([Parameter(name="key", type=ParameterType.SECRET)], {"key": ["-----BEGIN\r\nabc\r\n"]})
    assert values == {"key": "-----BEGIN\nabc\n"}
