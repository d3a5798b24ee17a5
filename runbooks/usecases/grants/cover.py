"""Whether a limited grant covers a start as a whole, and which: several add up, but none is mended by another.

Who holds the right without limits never comes here beyond the first look, which costs nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from runbooks.access.actors import Actor
from runbooks.access.node_reach import facts
from runbooks.access.rights import limited_by
from runbooks.domain.coverage import Asked, Judged, reasons, refusals
from runbooks.domain.limits import Limits, limits_of
from runbooks.domain.machines.targets import PlannedNode
from runbooks.domain.policy import YES, Decision, no
from runbooks.domain.ports import JsonValue
from runbooks.models import Grant, Node, Run, Runbook
from runbooks.queries.counted import last_times


@dataclass(frozen=True)
class Cover:
    """The decision; the grant that covers it, where that is limited; what was passed by breaking the glass."""

    decision: Decision = YES
    grant: Grant | None = None
    passed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What is to be run. Without values and targets only the rest is looked at: nobody has said them yet."""

    values: Mapping[str, JsonValue] | None = None
    targets: Sequence[PlannedNode] | None = None
    breaks_glass: bool = False


def cover_of(
    *, actor: Actor, runbook: Runbook, wanted: Wanted, now: datetime, hold: bool = False, run: Run | None = None
) -> Cover:
    """HOLD, inside the transaction that writes: of two at once that would both be the last, the second waits and then
    sees the first. RUN is there already: only those before it count, and its own grant comes first."""
    keys = limited_by(actor=actor, right="run", place=runbook, now=now)
    if not keys:
        return Cover()
    grants = grants_named(keys, hold=hold)
    if run and run.by_grant_id:
        grants.sort(key=lambda grant: grant.pk != run.by_grant_id)
    asked = _asked(actor=actor, wanted=wanted, grants=grants, now=now)
    judged = []
    for grant in grants:
        limits = limits_of(grant.limits)
        found = refusals(limits, asked, used=_used(grant, limits, now=now, before=run))
        if all(one.passes and wanted.breaks_glass for one in found):
            return Cover(grant=grant, passed=tuple(f"The right to run this: {one.sentence}." for one in found))
        judged.append(Judged(name=named(grant), refusals=found))
    return Cover(decision=no(*reasons(judged)))


def grants_named(keys: Collection[UUID], *, hold: bool = False) -> list[Grant]:
    """In the order in which they were given. Held are those that count."""
    places = ("project", "runbook__project", "node__project", "secret__project", "granted_by")
    grants = list(Grant.objects.filter(pk__in=keys).select_related(*places).order_by("pk"))
    counting = [grant.pk for grant in grants if limits_of(grant.limits).counts]
    if hold and counting:
        list(Grant.objects.select_for_update(no_key=True).filter(pk__in=counting).order_by("pk").values_list("pk"))
    return grants


def named(grant: Grant) -> str:
    giver = f"of {grant.granted_by.username} " if grant.granted_by else ""
    return f"the grant {giver}on {grant.object_name}"


def _asked(*, actor: Actor, wanted: Wanted, grants: Sequence[Grant], now: datetime) -> Asked:
    nodes = None
    if wanted.targets is not None and any({"nodes", "max_nodes"} & grant.limits.keys() for grant in grants):
        nodes = [facts(node) for node in Node.objects.filter(pk__in=[one.id for one in wanted.targets])]
    return Asked(now=now, trigger=actor.via, values=wanted.values, nodes=nodes)


def _used(grant: Grant, limits: Limits, *, now: datetime, before: Run | None) -> list[datetime]:
    """When the last of the runs that count were asked for."""
    if not limits.counts:
        return []
    most = max(limits.per_hour or 0, limits.per_day or 0)
    return last_times(Run.objects.filter(by_grant=grant), since=now - timedelta(days=1), most=most, before=before)
