"""Guardrails on the pages: set, lifted, told, and the glass broken by a person who has just proven who they are."""

import re
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from runbooks.models import BreakGlassReview, Freeze, Node, Run
from tests.usecases.test_guardrails import BREAKABLE, frozen
from tests.usecases.test_limits import ENV, lent
from tests.web.helpers import main_text
from tests.world import PASSWORD, World

FORM = "/runbooks/payments/hello/run"


def freeze_form(**more: Any) -> dict[str, Any]:
    return {"object": "project:payments", "reason": "Christmas", "lasts": "1d", **more}


def test_an_owner_freezes_on_the_page_and_everybody_reads_it(world: World) -> None:
    world.published()
    owner, runner = world.browser("owner"), world.browser("runner")
    form = freeze_form(limit_days=["mon", "tue", "wed", "thu", "fri", "sat", "sun"], limit_zone="UTC")
    assert owner.post("/guardrails/freezes/new", form).status_code == 302
    page = main_text(runner.get("/guardrails"))
    assert "in force" in page
    assert "every day UTC" in page
    assert "by owner: Christmas." in main_text(runner.get("/runbooks/payments/hello"))
    one = Freeze.objects.get()
    assert timedelta(hours=23) < (one.ends_at or one.starts_at) - timezone.now() < timedelta(hours=25)
    assert owner.post(f"/guardrails/freezes/{one.pk}/lift").status_code == 302
    page = main_text(runner.get("/guardrails"))
    assert "no freeze is in force" in page
    assert "lifted" in page


def test_what_is_wrong_with_a_freeze_stands_beside_its_field(world: World) -> None:
    for more, field in [
        ({"until": "2020-01-01T00:00"}, "until"),
        ({"limit_from": "x"}, "limit_from"),
        ({"object": "nonsense"}, "object"),
        ({"reason": ""}, "reason"),
    ]:
        answer = world.browser("owner").post("/guardrails/freezes/new", freeze_form(**more))
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])


def test_the_switch_of_a_project_stops_and_starts_it_and_needs_a_reason(world: World) -> None:
    world.published()
    owner = world.browser("owner")
    off = {"object": "project:payments", "accepts": "no", "reason": "Something is wrong"}
    assert owner.post("/guardrails/switch", {**off, "reason": ""}).status_code == 400
    assert owner.post("/guardrails/switch", off).status_code == 302
    assert "Something is wrong" in main_text(world.browser("runner").get("/guardrails"))
    assert world.browser("runner").get(FORM).status_code == 403
    owner.post("/guardrails/switch", {**off, "accepts": "yes"})
    assert world.browser("runner").get(FORM).status_code == 200


def test_a_node_goes_into_maintenance_and_out_of_it_on_its_page(world: World) -> None:
    node = Node.objects.create(project=world.project, name="web1", host="web1")
    owner = world.browser("owner")
    assert owner.post(f"/nodes/{node.pk}/maintenance", {"reason": "", "lasts": "8h"}).status_code == 400
    owner.post(f"/nodes/{node.pk}/maintenance", {"reason": "New disk", "lasts": "8h"})
    assert "by owner: New disk" in main_text(world.browser("runner").get(f"/nodes/{node.pk}"))
    owner.post(f"/nodes/{node.pk}/maintenance", {"ends": "yes"})
    node.refresh_from_db()
    assert not node.in_maintenance(timezone.now())


def test_the_form_offers_only_what_ones_grants_cover_and_tells_the_limits(world: World) -> None:
    note = {"name": "note", "type": "string", "required": False}
    world.published(parameters=[ENV, note])
    lent(world, {"when": 'params.env != "production"', "values": {"note": {"in": ["a", "b"]}}})
    page = world.browser("stranger").get(FORM)
    offered = set(re.findall(r'value="(staging|qa|production|a|b)"', page.content.decode()))
    assert offered == {"staging", "qa", "a", "b"}
    assert 'only where params.env != "production"' in main_text(page)
    everything = world.browser("runner").get(FORM)
    assert 'value="production"' in everything.content.decode()
    assert "Your limits" not in main_text(everything)


def test_a_value_outside_the_limits_keeps_the_form_and_says_why(world: World) -> None:
    world.published(parameters=[ENV])
    lent(world, {"values": {"env": {"in": ["qa"]}}})
    answer = world.browser("stranger").post(FORM, {"p-env": "production", "key": "k"})
    assert answer.status_code == 403
    assert "env may be qa, not" in main_text(answer)
    assert world.browser("stranger").post(FORM, {"p-env": "qa", "key": "k2"}).status_code == 302


def proven(browser: Client) -> Any:
    return browser.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": f"{FORM}?break_glass=yes"})


def test_a_person_breaks_the_glass_with_their_password_and_a_reason_and_another_closes_it(world: World) -> None:
    world.group_of("runner")
    runbook = world.published(**BREAKABLE)
    frozen(world)
    runner, send = world.browser("runner"), {"key": "k", "break_glass": "yes", "reason": "It burns"}
    assert "?break_glass=yes" in runner.get("/runbooks/payments/hello").content.decode()
    for ask in (runner.get(f"{FORM}?break_glass=yes"), runner.post(FORM, send)):
        assert (ask.status_code, "/accounts/reauthenticate/" in ask["Location"]) == (302, True)
    assert not Run.objects.exists()
    assert proven(runner)["Location"] == f"{FORM}?break_glass=yes"
    assert "You break the glass" in main_text(runner.get(f"{FORM}?break_glass=yes"))
    assert runner.post(FORM, {**send, "reason": ""}).status_code == 400
    assert runner.post(FORM, send).status_code == 302
    assert world.executed(runbook.runs.get()).status == "succeeded"
    review = BreakGlassReview.objects.get()
    owner = world.browser("owner")
    assert "A freeze of project payments" in main_text(owner.get("/guardrails"))
    assert runner.post(f"/guardrails/reviews/{review.pk}/close", {"comment": "Fine"}).status_code == 403
    assert owner.post(f"/guardrails/reviews/{review.pk}/close", {"comment": "It did burn"}).status_code == 302
    assert "It did burn" in main_text(owner.get("/guardrails"))


def test_who_is_not_named_gets_no_link_and_no_form_to_break_the_glass(world: World) -> None:
    world.group_of("owner")
    world.published(**BREAKABLE)
    frozen(world)
    runner = world.browser("runner")
    assert "break_glass" not in runner.get("/runbooks/payments/hello").content.decode()
    proven(runner)
    assert runner.get(f"{FORM}?break_glass=yes").status_code == 403
    assert runner.post(FORM, {"key": "k", "break_glass": "yes", "reason": "It burns"}).status_code == 403
    assert not Run.objects.exists()
