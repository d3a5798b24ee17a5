from dataclasses import dataclass, field

import pytest

from runbooks.domain.ports import Outcome, OutcomeKind
from runbooks.models import AuditEvent, Delivery, Run
from tests.web.helpers import main_text
from tests.world import FakeExecutor, World, announced


def failing(code: int = 3) -> FakeExecutor:
    return FakeExecutor(outcome=Outcome(kind=OutcomeKind.EXITED, exit_code=code))


@dataclass
class Telling(FakeExecutor):
    outcome: Outcome = field(
        default_factory=lambda: Outcome(
            kind=OutcomeKind.EXITED, exit_code=0, outputs={"left": "7 <i>"}, summary="## Done\n\nAll **fine** <script>"
        )
    )


def page(world: World, run: Run, name: str = "runner") -> str:
    return str(world.browser(name).get(f"/runs/{run.pk}").content.decode())


def test_a_run_of_a_hidden_runbook_is_404(world: World) -> None:
    run = world.started()
    browser = world.browser("stranger")
    assert browser.get(f"/runs/{run.pk}").status_code == 404
    assert browser.get("/runs/not-an-id").status_code == 404
    for act in ("cancel", "rerun"):
        assert browser.post(f"/runs/{run.pk}/{act}").status_code == 404


def test_the_page_tells_who_why_what_and_how_it_ended(world: World) -> None:
    run = world.started()
    run.reason = "OPS-12"
    run.save(update_fields=["reason"])
    world.executed(run, Telling())
    text = page(world, run)
    for part in ("OPS-12", "Runner", "in the browser", "Succeeded", "All <strong>fine</strong>", "7 &lt;i&gt;", "left"):
        assert part in text, part
    assert "<script>alert" not in text
    assert "data-log " in text


def test_reading_the_log_on_the_page_counts_as_a_reading(world: World) -> None:
    run = world.started()
    page(world, run)
    page(world, run)
    readings = AuditEvent.objects.filter(action="run.output_read", object_id=str(run.pk))
    assert [event.actor_name for event in readings] == ["runner"]


def test_without_the_right_the_output_is_withheld_and_nothing_counts_as_read(world: World) -> None:
    run = world.executed(world.started(), Telling())
    text = page(world, run, "author")
    assert "needs the right “see_output”" in text
    assert "7 &lt;i&gt;" not in text
    assert "All <strong>fine</strong>" not in text
    assert not AuditEvent.objects.filter(action="run.output_read").exists()


def test_a_run_that_waits_can_be_cancelled_from_the_page(world: World) -> None:
    run = world.started()
    assert "Cancel the run" in page(world, run)
    assert world.browser("runner").post(f"/runs/{run.pk}/cancel")["Location"] == f"/runs/{run.pk}"
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert "Nothing was started." in page(world, run)


def test_who_may_only_look_cannot_cancel_and_reads_why(world: World) -> None:
    run = world.started()
    assert "A run can be cancelled by who asked for it" in page(world, run, "author")
    refused = world.browser("author").post(f"/runs/{run.pk}/cancel")
    run.refresh_from_db()
    assert refused.status_code == 403
    assert "A run can be cancelled by who asked for it" in refused.content.decode()
    assert run.status == "queued"


def test_nothing_is_cancelled_or_repeated_by_a_link(world: World) -> None:
    run = world.started()
    for act in ("cancel", "rerun"):
        assert world.browser("runner").get(f"/runs/{run.pk}/{act}").status_code == 405


def test_a_failure_names_its_step_and_code(world: World) -> None:
    steps = [{"id": one, "interpreter": ["sh"], "script": "true"} for one in ("first", "second")]
    run = world.executed(world.started(world.published("two", steps=steps)), failing())
    text = page(world, run)
    assert "Step “first” ended with exit code 3. What comes after it was not started." in text
    assert "Skipped" in text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("lost", "may be done, half done or not done"),
        ("refused", "the permission, the approval or the content no longer held"),
        ("expired", "no worker took it in time"),
    ],
)
def test_odd_ends_say_what_they_mean_and_what_to_check(world: World, status: str, words: str) -> None:
    run = world.started()
    if status == "lost":
        Run.objects.filter(pk=run.pk).update(status="running")
    Run.objects.filter(pk=run.pk).update(status=status, status_detail="The detail.", finished_at=run.created_at)
    text = page(world, run)
    assert words in text
    assert "The detail." in text


def test_a_run_is_repeated_once_with_the_same_values(world: World) -> None:
    runbook = world.published(parameters=[{"name": "host", "type": "string"}])
    run = world.executed(world.started(runbook, {"host": "db-1"}))
    browser = world.browser("runner")
    first = browser.post(f"/runs/{run.pk}/rerun", {"key": "k"})
    assert browser.post(f"/runs/{run.pk}/rerun", {"key": "k"})["Location"] == first["Location"]
    again = Run.objects.exclude(pk=run.pk).get()
    assert (again.parameters, again.rerun_of, again.requested_by.username) == ({"host": "db-1"}, run, "runner")


def test_repeating_beside_a_run_under_way_asks_in_the_form_first(world: World) -> None:
    runbook = world.published()
    run = world.executed(world.started(runbook))
    world.started(runbook, by="owner")
    answer = world.browser("runner").post(f"/runs/{run.pk}/rerun", {"key": "k"})
    assert answer["Location"] == f"/runbooks/payments/hello/run?from={run.pk}"
    assert Run.objects.count() == 2


def test_a_run_of_high_risk_is_repeated_through_the_form(world: World) -> None:
    run = world.started(
        world.published(parameters=[{"name": "host", "type": "string", "confirm": True}]), {"host": "a"}
    )
    text = page(world, world.executed(run))
    assert f'href="/runbooks/payments/hello/run?from={run.pk}"' in text
    assert f'action="/runs/{run.pk}/rerun"' not in text


def test_who_holds_audit_or_grant_sees_who_was_told(world: World) -> None:
    run = world.executed(world.started())
    announced()
    assert Delivery.objects.filter(run=run).count() == 2
    assert "Who was told" in page(world, run, "owner")
    assert "Who was told" in page(world, run, "auditor")
    assert "Who was told" not in page(world, run, "runner")


def test_a_wait_says_until_when_or_for_what(world: World) -> None:
    for name, wait, words in (
        ("settle", {"for": "30m"}, "goes on by itself: in "),
        (
            "watch",
            {"until": "steps.main.outputs.ready == 'yes'"},
            "goes on by itself once this holds: steps.main.outputs.ready",
        ),
    ):
        steps = [{"id": "main", "interpreter": ["sh"], "script": "true"}, {"id": name, "wait": wait, "timeout": "2h"}]
        run = world.executed(world.started(world.published(name, steps=steps)))
        assert run.status == "waiting"
        text = main_text(world.browser("runner").get(f"/runs/{run.pk}"))
        assert f"Step “{name}” waits, and {words}" in text
