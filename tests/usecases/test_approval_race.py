"""Things change while people approve: 200 rounds, each with another change at another moment. What ran is what was
approved, always, or nothing ran.

Each round is rolled back. Moments lie before, between and after two verdicts, and while the step runs: all the places
where a change by somebody else can fall, since verdict and claim are one transaction each.
"""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from runbooks.access.fetch import NotAllowed
from runbooks.domain.manifest import manifest_hash
from runbooks.domain.states import RunStatus
from runbooks.models import Approval, Group, Node, Run, Secret
from runbooks.usecases.approvals.delegate import delegate
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.people.accounts import disable
from runbooks.usecases.people.groups import end_membership
from runbooks.usecases.runs.approve import decide
from runbooks.usecases.secrets.change import archive, rotate
from runbooks.usecases.versions.publish import publish
from tests.usecases.nodes.test_fan_out import Machines, fleet
from tests.world import World

ROUNDS = 200
MOMENTS = ("before", "between", "after", "running")
SPEC: dict[str, Any] = {
    "targets": {"select": "web"},
    "parameters": [{"name": "env", "type": "string", "default": "staging"}],
    "policy": {"approvals": {"from": ["group:sre"], "count": 2}},
}

Harm = Callable[[World], None]


def another_version_is_published(world: World) -> None:
    publish(actor=world.actor("owner"), version=world.approved("fleet", script="echo harm", **SPEC), now=timezone.now())


def another_version_is_drafted(world: World) -> None:
    world.drafted("fleet", script="echo harm", **SPEC)


def the_requester_loses_the_right(world: World) -> None:
    world.user("runner").grants.update(revoked_at=timezone.now())


def an_approver_leaves_the_group(world: World) -> None:
    group, actor = Group.objects.get(slug="sre"), world.actor("admin")
    end_membership(actor=actor, group=group, user=world.user("owner2"), now=timezone.now())


def an_approver_is_disabled(world: World) -> None:
    disable(actor=world.actor("admin"), account=world.user("owner2"), now=timezone.now())


def a_node_moves(world: World) -> None:
    Node.objects.filter(name="web1").update(host="10.6.6.6")


def a_node_is_added(world: World) -> None:
    fleet(world, "web9", use=False)


def a_node_is_taken_out_of_service(world: World) -> None:
    Node.objects.filter(name="web1").update(archived_at=timezone.now())


def a_secret_is_archived(world: World) -> None:
    archive(actor=world.actor("owner"), secret=Secret.objects.select_related("project").get(), now=timezone.now())


def a_secret_gets_a_new_value(world: World) -> None:
    secret = Secret.objects.select_related("project").get()
    rotate(actor=world.actor("owner"), secret=secret, value="another-horse", now=timezone.now())


def a_voice_is_lent(world: World) -> None:
    now = timezone.now()
    delegate(actor=world.actor("owner2"), to="auditor", until=now + timedelta(hours=1), now=now)


def the_status_is_moved_by_hand(world: World) -> None:
    run = Run.objects.get()
    if run.status == RunStatus.AWAITING_APPROVAL:
        Run.objects.update(status=RunStatus.QUEUED, expires_at=timezone.now() + timedelta(hours=1))
        run.step_runs.filter(index=0).update(status="queued")


# What keeps a run from starting when it happens before the first claim.
VOIDS: tuple[Harm, ...] = (
    the_requester_loses_the_right,
    an_approver_leaves_the_group,
    an_approver_is_disabled,
    a_node_is_taken_out_of_service,
    a_secret_is_archived,
)
HARMS: tuple[Harm, ...] = (
    *VOIDS,
    another_version_is_published,
    another_version_is_drafted,
    a_node_moves,
    a_node_is_added,
    a_secret_gets_a_new_value,
    a_voice_is_lent,
    the_status_is_moved_by_hand,
)


def test_what_ran_is_what_was_approved_always(world: World) -> None:
    world.secret()
    fleet(world, "web1", "web2")
    world.group_of("owner", "owner2", slug="sre")
    step = {"id": "main", "interpreter": ["sh"], "script": "echo vetted", "secrets": {"KEY": "payments/deploy"}}
    world.published("fleet", **SPEC, steps=[step])
    chance = random.Random(20261121)
    outcomes: dict[str, int] = {}
    for number in range(ROUNDS):
        harm, moment = HARMS[number % len(HARMS)], chance.choice(MOMENTS)
        with transaction.atomic():
            ended = one_round(world, harm, moment)
            transaction.set_rollback(True)
        outcomes[ended] = outcomes.get(ended, 0) + 1
    assert outcomes.get("succeeded", 0) > 20
    assert sum(outcomes.values()) - outcomes["succeeded"] > 40


def one_round(world: World, harm: Harm, moment: str) -> str:
    runbook = world.project.runbooks.select_related("project").get()
    run, machines = world.started(runbook, {"env": "production"}), Machines()
    plan = json.loads(bytes(run.plan))
    if moment == "before":
        harm(world)
    says_yes(world, run, "owner")
    if moment == "between":
        harm(world)
    says_yes(world, run, "owner2")
    if moment == "after":
        harm(world)
    if moment == "running":
        machines.during = lambda work: harm(world) if len(machines.works) == 1 else None
    ended = world.executed(run, machines)
    where = f"{harm.__name__} {moment}: {ended.status} {ended.status_detail}"
    assert manifest_hash(json.loads(bytes(ended.plan))) == ended.plan_hash == run.plan_hash, where
    hosts = {node["name"]: node["host"] for node in plan["targets"]}
    for work in machines.works:
        assert (work.script, dict(work.parameters)) == ("echo vetted", {"env": "production"}), where
        assert work.target is not None, where
        assert work.target.host == hosts[work.node], where
    if machines.works:
        given = Approval.objects.filter(request=run.pk, verdict="approve", plan_hash=run.plan_hash)
        assert len({one.person_id for one in given}) == 2, where
    if moment != "running" and harm in VOIDS:
        assert not machines.works, where
    return str(ended.status)


def says_yes(world: World, run: Run, name: str) -> None:
    """Or is refused, which is as well."""
    words = {"verdict": "approve", "comment": "", "digest": run.plan_hash}
    with suppress(NotAllowed, Conflict):
        decide(actor=world.actor(name), run=run, now=timezone.now(), **words)


@pytest.mark.parametrize("moment", MOMENTS[:3])
@pytest.mark.parametrize("harm", VOIDS)
def test_what_voids_an_approval_keeps_the_run_from_starting(world: World, harm: Harm, moment: str) -> None:
    world.secret()
    fleet(world, "web1")
    world.group_of("owner", "owner2", slug="sre")
    step = {"id": "main", "interpreter": ["sh"], "script": "echo vetted", "secrets": {"KEY": "payments/deploy"}}
    world.published("fleet", **SPEC, steps=[step])
    assert one_round(world, harm, moment) in {RunStatus.REFUSED, RunStatus.AWAITING_APPROVAL}
