"""The nodes of one run: those that its values name, and those that its definition selects."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.conf import settings

from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.access.node_reach import facts, reach_of
from runbooks.domain.containment import at_least, not_over_ssh
from runbooks.domain.definition import Definition
from runbooks.domain.machines.selectors import selected
from runbooks.domain.machines.targets import Order, PlannedNode, ordered
from runbooks.domain.parameters import Parameter, ParameterType
from runbooks.domain.policy import YES, Decision, unless
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Invalid, Problem, pointer_to, shown
from runbooks.models import Runbook, Version
from runbooks.queries.nodes import SELECT_SECONDS, for_seconds
from runbooks.usecases.nodes.resolve import candidates, resolve, unknown_keys
from runbooks.usecases.versions.draft import definition_of


def chosen_targets(
    *,
    actor: Actor,
    version: Version,
    values: Mapping[str, JsonValue],
    only: Sequence[str] = (),
    now: datetime,
) -> tuple[PlannedNode, ...]:
    """Frozen as they are now, in their order. ONLY narrows the selection down. Raises Invalid, and NotAllowed where one
    may not be used."""
    runbook, definition = version.runbook, definition_of(version)
    if problems := list(_value_problems(actor, runbook, definition, values, now)):
        raise Invalid(problems)
    if definition.targets is None:
        if only:
            detail = "This runbook has no targets: its steps run on the worker."
            raise Invalid([Problem("/targets", "not_applicable", detail)])
        return ()
    found, decision = resolve(
        actor=actor, runbook=runbook, targets=definition.targets, values=values, only=only, now=now
    )
    require(decision & _may_be_contained(definition), action="run.requested", thing=runbook)
    if unknown := unknown_keys(found):
        names = ", ".join(node.name for node in unknown[:5])
        detail = f"Nobody has accepted a host key of {names} yet: an owner does that on the node's page."
        raise Invalid([Problem("/targets", "unknown_host_key", detail)])
    return found


def _may_be_contained(definition: Definition) -> Decision:
    if not any(step.pause is None and not step.local for step in definition.steps):
        return YES
    return unless(not_over_ssh(at_least(definition.containment, settings.OPSAAS_CONTAINMENT_MINIMUM)))


def choices(*, actor: Actor, runbook: Runbook, parameter: Parameter, now: datetime) -> list[str]:
    """Names of the nodes that may be the value of this parameter, web2 before web10."""
    reach = reach_of(actor=actor, runbook=runbook, now=now)
    usable = [
        facts(node)
        for node in candidates(runbook=runbook, reach=reach)
        if reach.may_use(node) and reach.may_run_there(node)
    ]
    go_on = for_seconds(SELECT_SECONDS)
    found = selected(parameter.query, nodes=usable, go_on=go_on).nodes if parameter.query else usable
    return ordered([node.name for node in found], Order.NAME, str)


def _value_problems(
    actor: Actor, runbook: Runbook, definition: Definition, values: Mapping[str, JsonValue], now: datetime
) -> Iterator[Problem]:
    for parameter in definition.parameters:
        if parameter.type is not ParameterType.NODE or parameter.name not in values:
            continue
        value = str(values[parameter.name])
        if value not in choices(actor=actor, runbook=runbook, parameter=parameter, now=now):
            detail = f"{shown(value)} is no node that you may use here."
            yield Problem(pointer_to("parameters", parameter.name), "unknown_node", detail)
