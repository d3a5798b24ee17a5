"""What scripts are kept within, from the definition to the step run and the pages."""

import pytest
from pytest_django import Settings

from runbooks.domain.ports import Containment, Level, Outcome, OutcomeKind
from runbooks.models import StepRun
from runbooks.models.offers import tell_offer
from tests.web.helpers import main_text
from tests.world import FakeExecutor, World


def ended_at(level: Level | None) -> FakeExecutor:
    kind = OutcomeKind.EXITED if level else OutcomeKind.NOT_STARTED
    return FakeExecutor(outcome=Outcome(kind=kind, exit_code=0 if level else None, level=level, detail="as it is"))


def test_a_worker_is_asked_for_what_the_definition_says(world: World) -> None:
    executor = ended_at(Level.FULL)
    said = {"level": "full", "network": False, "memory": "64MiB"}
    run = world.executed(world.started(world.published(containment=said)), executor)
    assert executor.works[0].containment == Containment(level=Level.FULL, network=False, memory_bytes=64 << 20)
    assert run.step_runs.get().containment == {"level": "full", "network": False, "memory_bytes": 64 << 20}


def test_nothing_said_is_the_strongest_and_what_was_in_force_is_kept(world: World) -> None:
    executor = ended_at(Level.PROCESS)
    run = world.started()
    assert world.client("runner")("GET", f"/runs/{run.pk}").json()["containment"] == {"level": None, "network": True}
    run = world.executed(run, executor)
    assert executor.works[0].containment == Containment()
    told = world.client("runner")("GET", f"/runs/{run.pk}").json()["containment"]
    assert told == {"level": "process", "network": True}


def test_it_is_a_part_of_the_plan_that_is_hashed(world: World) -> None:
    loose = world.started(world.published("loose", containment={"level": "host"}))
    tight = world.started(world.published("tight", containment={"level": "full"}))
    assert b'"containment":{"level":"host","network":true}' in bytes(loose.plan)
    assert b'"containment":{"level":"full","network":true}' in bytes(tight.plan)
    assert loose.plan_hash != tight.plan_hash


def test_the_installation_demands_more(world: World, settings: Settings) -> None:
    runbook = world.published(containment={"level": "host"})
    asked_before = world.started(runbook)
    settings.OPSAAS_CONTAINMENT_MINIMUM = Level.PROCESS
    executor = ended_at(Level.PROCESS)
    for run in (asked_before, world.started(runbook)):
        world.executed(run, executor)
    wanted = Containment(level=Level.PROCESS, least=Level.PROCESS)
    assert [work.containment for work in executor.works] == [wanted, wanted]


def test_what_cannot_be_kept_so_was_not_started_and_says_why(world: World) -> None:
    run = world.executed(world.started(world.published(containment={"level": "full"})), ended_at(None))
    assert (run.status, run.status_detail, run.exit_code) == ("failed", "as it is", None)
    assert run.step_runs.get().containment == {"level": "full", "network": True}


@pytest.mark.parametrize(
    ("level", "words"), [(Level.FULL, "sees programs and its own folder"), (Level.HOST, "host: a risk")]
)
def test_the_pages_say_it_in_words(world: World, level: Level, words: str) -> None:
    runbook = world.published(containment={"level": level, "memory": "64MiB"})
    browser = world.browser("runner")
    form = main_text(browser.get(f"/runbooks/{runbook.path}/run"))
    run = world.executed(world.started(runbook), ended_at(level))
    for page in (form, main_text(browser.get(f"/runs/{run.pk}"))):
        assert words in page
        assert "memory up to 64" in page


def test_administrators_see_what_a_worker_offers_and_why_not_more(world: World) -> None:
    world.executed(world.started(), ended_at(Level.HOST))
    assert "not told" in main_text(world.browser("admin").get("/admin"))
    worker = StepRun.objects.get().worker
    tell_offer(worker=worker, level=Level.HOST, why="full (rootless): clone3: Operation not permitted.")
    shown = main_text(world.browser("admin").get("/admin"))
    assert "not at all: a risk" in shown
    assert "Operation not permitted" in shown
    tell_offer(worker=worker, level=Level.FULL, why="")
    assert "up to full" in main_text(world.browser("admin").get("/admin"))
