"""What follows a run goes to no machine that the run was not for; what scripts left on each is told as their log is."""

import pytest
from django.utils import timezone

from runbooks.domain.ports import Outcome, OutcomeKind
from runbooks.domain.problems import Invalid
from runbooks.models import Node, Run
from runbooks.usecases.runs.rerun import rerun
from runbooks.usecases.runs.resume import resume
from runbooks.usecases.runs.start import Request, start
from tests.usecases.nodes.test_fan_out import Machines, fleet, targeted
from tests.world import World


@pytest.fixture
def narrowed(world: World) -> Run:
    """Asked for on one of three machines, and it failed there."""
    fleet(world, "web1", "web2", "web3")
    wanted = Request(values={}, targets=("web2",))
    run = start(actor=world.actor("runner"), runbook=targeted(world), request=wanted, now=timezone.now())
    return world.executed(run, Machines(ends=lambda work: 1))


@pytest.mark.parametrize("how", ["resumed", "again", "again, where it failed", "by the page", "by the API"])
def test_a_run_that_was_for_one_machine_is_followed_by_one_for_that_machine(
    world: World, narrowed: Run, how: str
) -> None:
    actor, now, machines = world.actor("runner"), timezone.now(), Machines()
    match how:
        case "resumed":
            resume(actor=actor, run=narrowed, now=now)
        case "by the page":
            world.browser("runner").post(f"/runs/{narrowed.pk}/rerun", {"key": "k"})
        case "by the API":
            world.client("runner")("POST", f"/runs/{narrowed.pk}/rerun", {})
        case _:
            rerun(actor=actor, run=narrowed, same_version=False, failed_nodes="failed" in how, now=now)
    world.executed(Run.objects.exclude(pk=narrowed.pk).get(), machines)
    assert machines.went == ["main web2"]


def test_a_machine_that_is_no_longer_meant_is_told_rather_than_left_out(world: World, narrowed: Run) -> None:
    Node.objects.filter(name="web2").update(tags=["drained"])
    with pytest.raises(Invalid, match="does not select"):
        rerun(actor=world.actor("runner"), run=narrowed, same_version=False, now=timezone.now())


def test_what_scripts_handed_on_from_each_machine_is_for_those_who_read_output(world: World) -> None:
    fleet(world, "web1", "web2")
    machines = Machines(
        ends=lambda work: Outcome(kind=OutcomeKind.EXITED, exit_code=0, outputs={"version": f"on {work.node}"})
    )
    run = world.executed(world.started(targeted(world)), machines)
    told = {
        who: [one["outputs"] for one in world.client(who)("GET", f"/runs/{run.pk}/steps?node=web1").json()["results"]]
        for who in ("runner", "author")
    }
    assert told == {"runner": [{"version": "on web1"}], "author": [{}]}
