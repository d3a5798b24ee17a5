"""Who can write to the broker can send any message. It is a hint: nothing starts that was not to start."""

import pytest
from django.utils import timezone

from opsaas.celery import app
from runbooks import tasks
from runbooks.models import StepRun
from runbooks.usecases.runs.execute import execute
from tests.world import FakeExecutor, FakeHost, World


@pytest.mark.parametrize("id", ["", "x", "' OR 1=1 --", "0" * 10_000, None, 5, {"id": 1}, ["x"], "\0", "\ud800"])
def test_a_hint_that_names_nothing_does_nothing(world: World, id: object) -> None:
    run, executor = world.started(), FakeExecutor()
    execute(step_run_id=id, host=FakeHost(executor), clock=timezone.now)  # type: ignore[arg-type]
    run.refresh_from_db()
    assert run.status == "queued"


def test_a_hint_at_a_step_whose_turn_it_is_not_starts_nothing(world: World) -> None:
    step = {"interpreter": ["sh"], "script": "x", "timeout": "60s"}
    run = world.started(world.published("two", steps=[{"id": "one", **step}, {"id": "two", **step}]))
    one, two = StepRun.objects.get(run=run, step="one"), StepRun.objects.get(run=run, step="two")
    execute(step_run_id=str(two.pk), host=FakeHost(FakeExecutor()), clock=timezone.now)
    two.refresh_from_db()
    assert (two.status, two.fence) == ("pending", 0)
    world.executed(run)
    execute(step_run_id=str(one.pk), host=FakeHost(FakeExecutor()), clock=timezone.now)
    one.refresh_from_db()
    assert (one.status, one.fence) == ("succeeded", 1)


def test_workers_take_hints_and_no_commands_and_nothing_but_json() -> None:
    assert app.conf.worker_enable_remote_control is False
    assert list(app.conf.accept_content) == ["json"]
    assert tasks.execute.ignore_result
