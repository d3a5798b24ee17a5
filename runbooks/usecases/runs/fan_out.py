"""A step on many nodes: begun batch by batch, counted down as they end, and one event for the workflow at the last.

All of it happens while the run's row is held, so that ends on many workers come one after the other here. The step run
that stands for the whole step has no lease: no worker holds it. Those of single nodes are its parts.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from runbooks import outbox
from runbooks.domain.definition import Definition, Step
from runbooks.domain.flow import OnFailure
from runbooks.domain.machines.targets import PlannedNode, Targets, Window, may_begin, stopped
from runbooks.domain.plan import Plan, read_plan
from runbooks.domain.policy import words
from runbooks.domain.states import StepStatus
from runbooks.live.append import NewEvent
from runbooks.models import FanOut, Run, StepRun
from runbooks.models.rows import Sql, insert, move
from runbooks.usecases.runs.tell import step_event
from runbooks.usecases.versions.draft import definition_of

AT_ONCE = 500  # rows of one statement
NAMED = 5  # nodes that a sentence names
COUNTED = "total, begun, ended, failed, stopped"
NOT_BEGUN = "Not begun: the step was stopped before."


@dataclass(frozen=True)
class Count:
    window: Window
    stopped: bool

    @property
    def over(self) -> bool:
        """Nothing is open, and nothing more will be begun."""
        return self.window.ended == self.window.begun and (self.stopped or self.window.begun == self.window.total)


def goes_to_nodes(*, step: Step, definition: Definition) -> bool:
    return definition.targets is not None and not step.local


def begin(*, whole: StepRun, run: Run, definition: Definition, plan: Plan, now: datetime) -> NewEvent | None:
    """Begins the first nodes of a step that has just been claimed: its row is `running` already. Answers its end where
    no node is left for it."""
    assert definition.targets is not None
    names = _nodes_of(whole=whole, run=run, definition=definition, plan=plan)
    FanOut.objects.create(step_run=whole, nodes=names, total=len(names))
    if not names:
        return _close(whole=whole, now=now)
    count = Count(Window(total=len(names)), stopped=False)
    _begin_more(whole=whole, targets=definition.targets, plan=plan, count=count, now=now)
    return None


def node_ended(*, part: StepRun, run: Run, now: datetime) -> tuple[list[NewEvent], bool]:
    """Counts the end of PART, which has been written already, and begins what may begin now. Answers what watchers are
    told, and whether that was the step's last node: then the workflow goes on."""
    good = part.status == StepStatus.SUCCEEDED
    count = _counted(whole=part.part_of_id, ended=1, failed=0 if good else 1)
    definition, plan = definition_of(run.version), read_plan(bytes(run.plan))
    assert definition.targets is not None
    whole = StepRun.objects.get(parts=part)
    halt = part.status in {StepStatus.LOST, StepStatus.CANCELLED} or _is_cancelled(run, whole)
    events: list[NewEvent] = []
    if not count.stopped and (halt or stopped(definition.targets, count.window)):
        events, count = _stop(whole=whole, now=now)
    if not count.stopped:
        _begin_more(whole=whole, targets=definition.targets, plan=plan, count=count, now=now)
    return ([*events, _close(whole=whole, now=now)], True) if count.over else (events, False)


def stop_waiting(*, run: Run, now: datetime) -> list[NewEvent]:
    """After a cancel: what no worker holds is not begun. What workers hold they stop themselves."""
    events: list[NewEvent] = []
    for whole in StepRun.objects.filter(run=run.pk, status=StepStatus.RUNNING, nodes__isnull=False):
        if not _is_cancelled(run, whole):
            continue
        told, count = _stop(whole=whole, now=now)
        events += [*told, _close(whole=whole, now=now)] if count.over else told
    return events


def failed_nodes(run: Run) -> list[str]:
    """Where something of the run did not succeed, or was not begun: what to run again."""
    plan = read_plan(bytes(run.plan))
    latest: dict[tuple[str, str], str] = {}
    parts = StepRun.objects.filter(run=run.pk, part_of__isnull=False, cleanup=False).order_by("attempt")
    for node, step, status in parts.values_list("node", "step", "status"):
        latest[node, step] = status
    steps = {step for _, step in latest}
    fine = {node.name for node in plan.targets if all(latest.get((node.name, step)) == "succeeded" for step in steps)}
    return [node.name for node in plan.targets if node.name not in fine]


def _nodes_of(*, whole: StepRun, run: Run, definition: Definition, plan: Plan) -> list[str]:
    """An ordinary step goes where nothing has failed so far, unless its author goes on after that; cleanup steps go
    wherever something was begun. A further attempt goes only where the ones before did not succeed."""
    parts = list(
        StepRun.objects.filter(run=run.pk, part_of__isnull=False).values_list("node", "step", "status", "attempt")
    )
    if whole.cleanup:
        wanted: Collection[str] = {node for node, _, _, _ in parts}
    else:
        forgiven = {step.id for step in definition.steps if step.flow.on_failure is OnFailure.CONTINUE} | {whole.step}
        out = {node for node, step, status, _ in parts if status != StepStatus.SUCCEEDED and step not in forgiven}
        wanted = {node.name for node in plan.targets} - out
    done = {node for node, step, status, _ in parts if step == whole.step and status == StepStatus.SUCCEEDED}
    done |= _done_before(run=run, step=whole.step)
    return [node.name for node in plan.targets if node.name in wanted and node.name not in done]


def _done_before(*, run: Run, step: str) -> set[str]:
    """Where this step succeeded in the runs that this one goes on from."""
    names: set[str] = set()
    earlier = run.resumed_from_id
    while earlier:
        there = StepRun.objects.filter(run=earlier, step=step, part_of__isnull=False, status=StepStatus.SUCCEEDED)
        names |= set(there.values_list("node", flat=True))
        earlier = Run.objects.values_list("resumed_from", flat=True).get(pk=earlier)
    return names


def _begin_more(*, whole: StepRun, targets: Targets, plan: Plan, count: Count, now: datetime) -> None:
    """Watchers hear of a node when a worker takes it: a thousand that wait are no news."""
    wanted = may_begin(targets, count.window)
    if not wanted:
        return
    nodes: list[str] = FanOut.objects.values_list("nodes", flat=True).get(pk=whole.pk)
    planned = {node.name: node for node in plan.targets}
    first = count.window.begun
    parts = [_part(whole=whole, node=planned[name], now=now) for name in nodes[first : first + wanted]]
    for start in range(0, len(parts), AT_ONCE):
        insert(*parts[start : start + AT_ONCE])
    FanOut.objects.filter(pk=whole.pk).update(begun=first + len(parts))
    outbox.hint_steps([(part.pk, part.zone) for part in parts])


def _part(*, whole: StepRun, node: PlannedNode, now: datetime) -> StepRun:
    return StepRun(
        run_id=whole.run_id,
        part_of=whole,
        index=whole.index,
        step=whole.step,
        node=node.name,
        zone=node.zone,
        attempt=whole.attempt,
        cleanup=whole.cleanup,
        containment=whole.containment,
        status=StepStatus.QUEUED,
        hinted_at=now,
    )


def _counted(*, whole: object, ended: int, failed: int) -> Count:
    """The countdown: one statement, which answers how things stand after it."""
    values = {"ended": Sql("ended + %s", ended), "failed": Sql("failed + %s", failed)}
    found = move(FanOut, where={"step_run_id": whole}, values=values, returning=COUNTED)
    assert found is not None
    total, begun, ended, failed, is_stopped = found
    return Count(Window(total, begun, ended, failed), bool(is_stopped))


def _stop(*, whole: StepRun, now: datetime) -> tuple[list[NewEvent], Count]:
    """No further node is begun, and those that wait for a worker are skipped."""
    FanOut.objects.filter(pk=whole.pk).update(stopped=True)
    waiting = StepRun.objects.filter(part_of=whole.pk, status=StepStatus.QUEUED)
    events = []
    for part in waiting:
        part.status, part.finished_at, part.detail = StepStatus.SKIPPED, now, NOT_BEGUN
        events.append(step_event(part))
    skipped = waiting.update(status=StepStatus.SKIPPED, finished_at=now, detail=NOT_BEGUN)
    return events, _counted(whole=whole.pk, ended=skipped, failed=0)


def _close(*, whole: StepRun, now: datetime) -> NewEvent:
    """Writes how the step as a whole ended. It succeeded only where all of its nodes did."""
    bad = StepRun.objects.filter(part_of=whole.pk).exclude(status=StepStatus.SUCCEEDED).order_by("finished_at", "pk")
    count = FanOut.objects.get(pk=whole.pk)
    statuses = {StepStatus(status) for status in bad.order_by().values_list("status", flat=True).distinct()}
    worst = list(bad.exclude(status=StepStatus.SKIPPED)[:NAMED])
    left = count.total - count.begun + bad.filter(status=StepStatus.SKIPPED).count()
    whole.status, whole.finished_at = _status(statuses, short=bool(left)), now
    whole.exit_code = next((part.exit_code for part in worst if part.exit_code), None if worst else 0)
    whole.detail = _told(count, worst, left)
    if count.total == 1 and (only := StepRun.objects.filter(part_of=whole.pk).first()):
        whole.outputs, whole.summary, whole.detail = only.outputs, only.summary, only.detail
    ending = ["status", "finished_at", "exit_code", "detail", "outputs", "summary"]
    moved = StepRun.objects.filter(pk=whole.pk, status=StepStatus.RUNNING)
    assert moved.update(**{name: getattr(whole, name) for name in ending}), f"{whole.pk} had ended"
    return step_event(whole)


def _status(statuses: Collection[StepStatus], *, short: bool) -> StepStatus:
    """What is not known weighs most, then a cancel, then a failure."""
    for status in (StepStatus.LOST, StepStatus.CANCELLED):
        if status in statuses:
            return status
    if statuses == {StepStatus.TIMED_OUT}:
        return StepStatus.TIMED_OUT
    if statuses == {StepStatus.SKIPPED}:
        return StepStatus.CANCELLED
    return StepStatus.FAILED if statuses or short else StepStatus.SUCCEEDED


def _told(count: FanOut, worst: Sequence[StepRun], left: int) -> str:
    more = f" and {count.failed - len(worst)} more" if count.failed > len(worst) else ""
    names = ", ".join(_named(worst)) + more
    failed = f"On {count.failed} of {count.total} nodes it did not succeed: {names}." if count.failed else ""
    return " ".join(filter(None, [failed, f"{left} were not begun." if left else ""]))


def _named(parts: Iterable[StepRun]) -> Iterable[str]:
    for part in parts:
        how = f"exit code {part.exit_code}" if part.exit_code is not None else words(part.status)
        yield f"{part.node} ({how})"


def _is_cancelled(run: Run, whole: StepRun) -> bool:
    return bool(run.cleanup_cancelled_at if whole.cleanup else run.cancel_requested_at)
