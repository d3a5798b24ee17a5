"""One step on one node, from claim to end: what a worker does with a hint."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from runbooks import outbox
from runbooks.access.fetch import as_uuid
from runbooks.domain.containment import at_least, from_json
from runbooks.domain.ports import Executor, Lease, NoSecret, Outcome, OutcomeKind, Secrets, StopReason, Work
from runbooks.domain.secrecy.masked import hidden_in, masked
from runbooks.domain.secrecy.redaction import Redactor
from runbooks.live.append import FenceLost, StepKey
from runbooks.live.insist import insist
from runbooks.live.sink import DatabaseSink, Flusher
from runbooks.usecases.nodes.target import target_along
from runbooks.usecases.runs.artifacts import StoredArtifacts
from runbooks.usecases.runs.claim import Claim, claim
from runbooks.usecases.runs.files import FileGone, files_of
from runbooks.usecases.runs.finish import finish
from runbooks.usecases.runs.leases import SHARE_FOR_SCRIPTS
from runbooks.usecases.secrets.deliver import Delivery, deliver

SHUT_DOWN = (
    "The worker was told to stop, and the script had not ended when its time to do so was over: it was stopped. "
    "Check what it should have changed before you run it again."
)
NOT_STORED = (
    "The script was stopped because its output could not be stored: the database did not take it. How far it came is "
    "not known. Check what it should have changed before you run it again."
)


class LeaseKeeper(Protocol):
    """Renews the leases of this process and hands out their stops; see `worker.py`."""

    @property
    def worker(self) -> str: ...

    @property
    def closing(self) -> bool:
        """Whether the process is about to stop, and must start nothing new."""

    def clock(self) -> float:
        """The seconds that leases are counted in."""

    def hold(self, key: StepKey, *, asked_at: float) -> Lease: ...

    def drop(self, key: StepKey) -> None: ...


class Host(Protocol):
    """What the process that executes offers: an executor, a keeper of leases, a flusher, and a way to give back the
    thread's database connection before waiting."""

    @property
    def executor(self) -> Executor: ...

    @property
    def leases(self) -> LeaseKeeper: ...

    @property
    def flusher(self) -> Flusher: ...

    @property
    def secrets(self) -> Secrets: ...

    def release(self) -> None: ...


def execute(*, step_run_id: str, host: Host, clock: Callable[[], datetime]) -> None:
    """Runs the step if it is still to be run. Returns when it has ended, or at once where somebody else has it, or
    where the hint names nothing: it came from the broker, and others may write there."""
    if as_uuid(str(step_run_id)) is None:
        return
    if host.leases.closing:
        outbox.hint_later(step_run_id)
        host.release()
        return
    held = insist(
        partial(_held, step_run_id=step_run_id, host=host, clock=clock), seconds=settings.OPSAAS_LEASE_SECONDS / 2
    )
    if held is None:
        return
    claimed, lease = held
    redactor = Redactor()
    sink = DatabaseSink(
        key=claimed.key,
        limit_bytes=settings.OPSAAS_OUTPUT_LIMIT_BYTES,
        patience_seconds=settings.OPSAAS_LEASE_SECONDS * SHARE_FOR_SCRIPTS,  # by then the script is ended anyway
        release=host.release,
        flusher=host.flusher,
        redactor=redactor,
    )
    try:
        outcome = _with_reason(_executed(claimed=claimed, host=host, sink=sink, lease=lease, redactor=redactor))
        complete = _stored(sink) and outcome.kind is not OutcomeKind.VANISHED  # what it wrote last may not have come
        end = partial(finish, claim=claimed, outcome=outcome, output_complete=complete, now=clock())
        insist(end, seconds=settings.OPSAAS_LEASE_SECONDS)
    except FenceLost:
        return  # somebody has written how it ended; the script is dead
    finally:
        host.leases.drop(claimed.key)
        host.release()


def _held(*, step_run_id: str, host: Host, clock: Callable[[], datetime]) -> tuple[Claim, Lease] | None:
    """The lease counts from before the claim was written: its answer may have been long on its way."""
    asked_at = host.leases.clock()
    try:
        claimed = claim(step_run_id=step_run_id, worker=host.leases.worker, now=clock())
    finally:
        host.release()
    return (claimed, host.leases.hold(claimed.key, asked_at=asked_at)) if claimed else None


def _executed(*, claimed: Claim, host: Host, sink: DatabaseSink, lease: Lease, redactor: Redactor) -> Outcome:
    """Secrets are read at the last moment, and known to nobody but this thread and the script."""
    try:
        opened = partial(
            deliver, run_id=str(claimed.run.pk), plan=claimed.plan, step=claimed.step, secrets=host.secrets
        )
        delivery = insist(opened, seconds=settings.OPSAAS_LEASE_SECONDS / 2)
        keeper = StoredArtifacts(key=claimed.key, release=host.release, clock=timezone.now, masker=redactor.masker)
        target = target_along(claimed.way, secrets=host.secrets)
        work = replace(_work(claimed, delivery), artifacts=keeper, target=target)
    except (FileGone, NoSecret, DatabaseError) as error:
        return Outcome(kind=OutcomeKind.NOT_STARTED, detail=f"The script was not started. {error}")
    finally:
        host.release()
    for value in (*delivery.masks, *hidden_in(work)):
        redactor.masker.add(value)
    try:
        return masked(host.executor.execute(work=work, sink=sink, lease=lease), redactor.masker)
    except DatabaseError as error:  # the sink's patience was over, and nothing of the script is left
        return Outcome(kind=OutcomeKind.VANISHED, detail=f"{NOT_STORED} ({error})")


def _stored(sink: DatabaseSink) -> bool:
    try:
        sink.close()
    except DatabaseError:
        return False
    return sink.complete


def _with_reason(outcome: Outcome) -> Outcome:
    """Nobody asked for an end because of a shutdown: it has to be explained."""
    if outcome.stop_reason is not StopReason.SHUTDOWN:
        return outcome
    return replace(outcome, detail=" ".join(filter(None, [SHUT_DOWN, outcome.detail])))


def _work(claimed: Claim, delivery: Delivery) -> Work:
    step = claimed.step
    return Work(
        run_id=str(claimed.run.pk),
        step_run_id=str(claimed.step_run.pk),
        step_id=step.id,
        node=claimed.step_run.node,
        attempt=claimed.step_run.attempt,
        actor=claimed.run.requested_by.username,
        script=step.script,
        script_name=step.script_name,
        interpreter=step.interpreter,
        parameters={**claimed.plan.values, **delivery.given},
        timeout_seconds=step.timeout_seconds,
        grace_seconds=settings.OPSAAS_STOP_GRACE_SECONDS,
        containment=at_least(from_json(claimed.plan.containment), settings.OPSAAS_CONTAINMENT_MINIMUM),
        files=files_of(run=claimed.run, values=claimed.plan.values),
        secrets=delivery.environment,
        secret_files={**delivery.files, **_handed_on(claimed)},
    )


def _handed_on(claimed: Claim) -> dict[str, str]:
    """What steps before have left for this one, as a file of its own: it may be as large as they liked."""
    if not claimed.outputs:
        return {}
    return {"OPSAAS_OUTPUTS_FILE": json.dumps(claimed.outputs, ensure_ascii=False)}
