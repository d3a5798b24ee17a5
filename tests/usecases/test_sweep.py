"""Sweeping and reaping: by the database's clock, whatever that of a machine says, and once however many do it."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from runbooks import outbox
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.models import Run, StepRun
from runbooks.usecases.runs.claim import Claim, claim
from runbooks.usecases.runs.leases import DatabaseLeases
from runbooks.usecases.runs.sweep import expire, hint_again, reap
from tests.world import World

DAY = timedelta(days=1)
CLOCKS = pytest.mark.parametrize("wrong", [-DAY, timedelta(0), timedelta(minutes=30)], ids=["behind", "right", "ahead"])


def claimed(run: Run, *, now: datetime) -> Claim:
    found = claim(step_run_id=str(run.step_runs.get().pk), worker="w", now=now)
    assert found is not None
    return found


def lasts_one_lease(step_run_id: UUID) -> bool:
    lease = timedelta(seconds=settings.OPSAAS_LEASE_SECONDS)
    fresh = StepRun.objects.filter(pk=step_run_id, lease_until__gt=Now() + lease / 2, lease_until__lte=Now() + lease)
    return fresh.exists()


@CLOCKS
def test_a_lease_is_as_long_as_the_database_counts_whatever_the_clock_of_the_worker_says(
    world: World, wrong: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DatabaseLeases, "_run", lambda _: None)  # its thread: this test beats by itself
    found = claimed(world.started(), now=timezone.now() + wrong)
    assert lasts_one_lease(found.step_run.pk)
    StepRun.objects.filter(pk=found.step_run.pk).update(lease_until=Now())
    leases = DatabaseLeases(worker="w")
    leases.hold(found.key, asked_at=leases.clock())
    leases.beat()
    assert lasts_one_lease(found.step_run.pk)


@pytest.mark.parametrize("wrong", [-DAY, DAY], ids=["behind", "ahead"])
def test_a_reaper_whose_clock_is_wrong_buries_the_dead_and_nobody_else(world: World, wrong: timedelta) -> None:
    runbook = world.published()
    alive, dead = (claimed(world.started(runbook), now=timezone.now()) for _ in range(2))
    StepRun.objects.filter(pk=dead.step_run.pk).update(lease_until=Now() - timedelta(seconds=1))
    assert reap(now=timezone.now() + wrong) == 1
    statuses = dict(Run.objects.values_list("pk", "status"))
    assert statuses == {alive.run.pk: RunStatus.RUNNING, dead.run.pk: RunStatus.LOST}
    assert reap(now=timezone.now() + wrong) == 0


@pytest.mark.parametrize("wrong", [-DAY, DAY], ids=["behind", "ahead"])
def test_a_sweeper_whose_clock_is_wrong_expires_what_is_late_and_nothing_else(world: World, wrong: timedelta) -> None:
    runbook = world.published()
    waiting, late = world.started(runbook), world.started(runbook)
    Run.objects.filter(pk=late.pk).update(expires_at=Now() - timedelta(seconds=1))
    assert expire(now=timezone.now() + wrong) == 1
    assert set(Run.objects.values_list("pk", "status")) == {
        (waiting.pk, RunStatus.QUEUED),
        (late.pk, RunStatus.EXPIRED),
    }


@pytest.mark.parametrize("wrong", [-DAY, DAY], ids=["set back", "set forward"])
def test_a_clock_that_was_set_delays_no_hint(
    world: World,
    wrong: timedelta,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    hints: list[str] = []

    def publish(_task: str, arguments: dict[str, str], *_more: object, **_others: object) -> bool:
        hints.append(arguments["id"])
        return True

    step_run = world.started().step_runs.get()
    monkeypatch.setattr(outbox, "_publish", publish)
    with django_capture_on_commit_callbacks(execute=True):
        assert hint_again(now=timezone.now() + wrong) == 1
        assert hint_again(now=timezone.now() + wrong) == 0, "a second sweeper of the same minute"
    assert hints == [str(step_run.pk)]
    assert StepRun.objects.get(pk=step_run.pk).status == StepStatus.QUEUED
