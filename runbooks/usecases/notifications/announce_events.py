"""What the log tells becomes messages for those who asked to be told: each act once, however many schedulers do this.

The log is read on from where it was read to, so that no act has to know of messages, and a run pays nothing for them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from runbooks import outbox
from runbooks.domain.notices import ACTIONS, ENDS, PROBLEMS
from runbooks.models import AuditEvent, AuditLeaf, Delivery, NoticeCursor
from runbooks.usecases.notifications.compose import Notice, of_act, of_end
from runbooks.usecases.notifications.one_by_one import written
from runbooks.usecases.notifications.recipients import Around, Found, asker_of, to_people, told
from runbooks.usecases.notifications.rules import Act, rules_for
from runbooks.usecases.notifications.ways import Choices, choices_of

AT_ONCE = 500


@transaction.atomic
def announce_events(*, now: datetime) -> int:
    """Answers how many places of the log were read."""
    cursor = NoticeCursor.objects.select_for_update(skip_locked=True).filter(pk=1).first()
    if cursor is None:
        return 0  # another scheduler is at it
    leaves = list(AuditLeaf.objects.filter(seq__gt=cursor.seq).order_by("seq").values_list("seq", "event_id")[:AT_ONCE])
    if not leaves:
        return 0
    event_ids = [event_id for _, event_id in leaves]
    messages = written(event_ids, write=partial(_write, now=now), give_up=_passed_over)
    NoticeCursor.objects.filter(pk=1).update(seq=leaves[-1][0])
    if messages:
        outbox.hint_deliveries()
    return len(leaves)


def _write(event_ids: Sequence[UUID], *, now: datetime) -> int:
    messages = list(_messages(event_ids, now=now))
    Delivery.objects.bulk_create(messages, ignore_conflicts=True)
    return len(messages)


def _passed_over(event_id: UUID) -> None:
    """The log has the act and the service's log its number: that is all."""


def _messages(event_ids: Sequence[UUID], *, now: datetime) -> Iterator[Delivery]:
    events = AuditEvent.objects.filter(pk__in=event_ids, action__in=ACTIONS).order_by("pk")
    acts = [act for act in map(Act.of, events) if act.names]
    rules, own = rules_for(acts), choices_of(wanting_own_runs=True)
    wanted = [act for act in acts if rules.may_concern(act) or (own and set(act.names) & ENDS)]
    found = Found.of([act.event for act in wanted])
    for act in wanted:
        around = found.around(act.event)
        for rule in rules.of(act, run=around.run):
            name = next(name for name in act.names if name in rule.events)
            notice = _notice(act, name, around)
            yield from told(notice, to=rule.to, endpoint=rule.endpoint, around=around, now=now)
        yield from _to_asker(act, around=around, own=own, now=now)


def _to_asker(act: Act, *, around: Around, own: Choices, now: datetime) -> Iterator[Delivery]:
    """Whoever asked for a run hears of its end, where they chose so."""
    if around.run is None or not set(act.names) & ENDS:
        return
    asker = asker_of(around.run)
    choice = own.get(asker.pk)
    if choice and (choice.requested == "always" or set(act.names) & PROBLEMS):
        yield from to_people(_notice(act, act.names[0], around), [asker], around=around, now=now)


def _notice(act: Act, name: str, around: Around) -> Notice:
    if around.run and name in ENDS:
        return of_end(around.run, event=name)
    return of_act(act.event, event=name, project=around.project, runbook=around.runbook, run=around.run)
