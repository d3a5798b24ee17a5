"""One step on one node, from claim to end: what a worker does with a hint."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Protocol

from django.conf import settings

from runbooks.domain.ports import Executor, Lease, Work
from runbooks.live.append import FenceLost, StepKey
from runbooks.live.insist import insist
from runbooks.live.sink import DatabaseSink, Flusher
from runbooks.usecases.runs.claim import Claim, claim
from runbooks.usecases.runs.finish import finish


class LeaseKeeper(Protocol):
    """Renews the leases of this process and hands out their stops; see `worker.py`."""

    @property
    def worker(self) -> str: ...

    def hold(self, key: StepKey) -> Lease: ...

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

    def release(self) -> None: ...


def execute(*, step_run_id: str, host: Host, clock: Callable[[], datetime]) -> None:
    """Runs the step if it is still to be run. Returns when it has ended, or at once where somebody else has it."""
    claimed = claim(step_run_id=step_run_id, worker=host.leases.worker, now=clock())
    host.release()
    if claimed is None:
        return
    lease = host.leases.hold(claimed.key)
    sink = DatabaseSink(
        key=claimed.key,
        limit_bytes=settings.OPSAAS_OUTPUT_LIMIT_BYTES,
        patience_seconds=settings.OPSAAS_LEASE_SECONDS / 2,
        release=host.release,
        flusher=host.flusher,
    )
    try:
        outcome = host.executor.execute(work=_work(claimed), sink=sink, lease=lease)
        sink.close()
        end = partial(finish, claim=claimed, outcome=outcome, output_complete=sink.complete, now=clock())
        insist(end, seconds=settings.OPSAAS_LEASE_SECONDS)
    except FenceLost:
        return  # somebody has written how it ended; the script is dead
    finally:
        host.leases.drop(claimed.key)
        host.release()


def _work(claimed: Claim) -> Work:
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
        parameters=claimed.plan.values,
        timeout_seconds=step.timeout_seconds,
        grace_seconds=settings.OPSAAS_STOP_GRACE_SECONDS,
    )
