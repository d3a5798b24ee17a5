import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from runbooks import outbox
from runbooks.access.fetch import NotAllowed
from runbooks.domain.ports import Outcome, OutcomeKind
from runbooks.domain.problems import Invalid
from runbooks.models import AuditEvent, Delivery, OutputChunk
from runbooks.usecases.people.accounts import disable
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.start import Request, start
from tests.world import FakeExecutor, World, announced


def test_a_run_is_queued_with_its_plan_its_event_and_its_hint(
    world: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    hints: list[dict[str, str]] = []

    def publish(_task: str, arguments: dict[str, str], **_more: str) -> bool:
        hints.append(arguments)
        return True

    monkeypatch.setattr(outbox, "_publish", publish)
    with django_capture_on_commit_callbacks(execute=True):
        run = world.started()
    assert run.status == "queued"
    assert run.plan_hash.startswith("sha256:")
    assert hints == [{"id": str(run.step_runs.get().pk)}]
    assert AuditEvent.objects.filter(action="run.requested", object_id=str(run.pk), outcome="done").count() == 1


def test_a_run_goes_from_click_to_success_and_its_owners_are_told_once(world: World) -> None:
    run = world.executed(world.started())
    assert (run.status, run.exit_code) == ("succeeded", 0)
    assert b"".join(bytes(c.data) for c in OutputChunk.objects.filter(run=run)) == b"hello\n"
    for _ in range(2):
        announced()
    assert sorted(Delivery.objects.filter(run=run).values_list("address", flat=True)) == [
        "owner2@example.org",
        "owner@example.org",
    ]


def test_who_may_not_run_is_refused_and_nothing_is_written(world: World) -> None:
    runbook = world.published()
    with pytest.raises(NotAllowed) as refusal:
        start(actor=world.actor("auditor"), runbook=runbook, request=Request(values={}), now=timezone.now())
    assert "“run”" in refusal.value.reasons[0]
    assert not runbook.runs.exists()


def test_a_high_risk_needs_a_reason(world: World) -> None:
    runbook = world.published(risk="high")
    with pytest.raises(Invalid) as error:
        world.started(runbook)
    assert error.value.problems[0].pointer == "/reason"


def test_who_was_disabled_meanwhile_starts_nothing(world: World) -> None:
    run = world.started()
    disable(actor=world.actor("admin"), account=world.user("runner"), now=timezone.now())
    executor = FakeExecutor()
    run = world.executed(run, executor)
    assert run.status == "refused"
    assert executor.works == []


def test_a_cancelled_queued_run_never_starts(world: World) -> None:
    run = world.started()
    cancel(actor=world.actor("runner"), run=run, now=timezone.now())
    executor = FakeExecutor()
    assert world.executed(run, executor).status == "cancelled"
    assert executor.works == []


def test_the_exit_code_is_that_of_the_first_failing_step(world: World) -> None:
    outcome = Outcome(kind=OutcomeKind.EXITED, exit_code=37)
    run = world.executed(world.started(), FakeExecutor(outcome=outcome))
    assert (run.status, run.exit_code) == ("failed", 37)


def test_a_run_that_has_ended_can_not_be_cancelled_and_the_answer_says_why(world: World) -> None:
    run = world.executed(world.started())
    answer = world.client("runner")("POST", f"/runs/{run.pk}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_ended")
