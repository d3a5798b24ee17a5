"""The log in the browser."""

from django.utils import timezone

from runbooks.access.fetch import installation
from runbooks.audit.record import Ref, record
from runbooks.models import AuditEvent
from tests.web.helpers import main_text
from tests.world import World


def auditor(world: World) -> World:
    world.give("auditor", installation(), "audit")
    return world


def actions(world: World, query: str = "") -> list[str]:
    return [event.action for event in world.browser("auditor").get(f"/audit?{query}").context["events"]]


def test_a_runner_is_refused_the_log_and_the_log_knows(world: World) -> None:
    answer = world.browser("runner").get("/audit")
    assert answer.status_code == 403
    assert "Reading the audit log needs the right “audit”" in main_text(answer)
    event = AuditEvent.objects.get(action="audit.read")
    assert (event.actor_name, event.outcome) == ("runner", "denied")


def test_an_auditor_finds_every_use(world: World) -> None:
    run = world.executed(world.started())
    found = actions(auditor(world), f"object={run.pk}")
    assert found == ["run.finished", "run.started", "run.requested"]


def test_filters_narrow_it_down_together(world: World) -> None:
    world.published()
    world.browser("runner").get("/audit")
    auditor(world)
    assert actions(world, "outcome=denied") == ["audit.read"]
    assert set(actions(world, "actor=owner")) == {"version.reviewed", "version.published"}
    assert actions(world, "actor=owner&action=version.published") == ["version.published"]
    assert actions(world, "q=published") == ["version.published"]
    assert actions(world, "to=2001-01-01T00:00") == []
    assert actions(world, "from=2001-01-01T00:00&action=version.published") == ["version.published"]


def test_a_time_that_is_none_is_told_at_its_field(world: World) -> None:
    answer = auditor(world).browser("auditor").get("/audit?from=yesterday")
    assert "Enter a valid date/time." in main_text(answer)


def test_an_event_shows_all_that_was_recorded(world: World) -> None:
    world.published()
    browser = auditor(world).browser("auditor")
    event = browser.get("/audit?action=version.reviewed").context["events"][0]
    shown = main_text(browser.get(f"/audit/{event.seq}"))
    for part in ("version.reviewed", "owner", "payments/hello v1", "verdict approve", "sha256:", "127.0.0.1"):
        assert part in shown


def test_looking_is_recorded_once(world: World) -> None:
    browser = auditor(world).browser("auditor")
    browser.get("/audit")
    browser.get("/audit/1")
    assert AuditEvent.objects.filter(action="audit.read", actor_name="auditor").count() == 1


def test_an_auditor_of_one_project_sees_nothing_of_the_rest(world: World) -> None:
    record(actor=None, action="user.created", thing=world.user("owner"), now=timezone.now())
    browser = world.browser("auditor")
    assert all(event.project_id for event in browser.get("/audit").context["events"])
    hidden = AuditEvent.objects.filter(project_id="").count()
    assert hidden
    assert browser.get("/audit/0").status_code == browser.get("/audit/99999").status_code == 404


def test_hostile_names_in_the_log_are_shown_as_text(world: World) -> None:
    hostile = '"><script>alert(1)</script>'
    thing = Ref("user", "x", hostile)
    record(
        actor=None,
        stranger_at=hostile,
        action="signin.failed",
        thing=thing,
        reason=hostile,
        details={hostile: hostile},
        now=timezone.now(),
    )
    browser = auditor(world).browser("auditor")
    for path in ("/audit", f"/audit?q={hostile}", f"/audit/{browser.get('/audit').context['events'][0].seq}"):
        assert b"<script>alert" not in browser.get(path).content
