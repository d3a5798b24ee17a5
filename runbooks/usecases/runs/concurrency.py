"""Keys of concurrency: of the runs of one runbook with the same key, one at a time.

The runbook's row is held while somebody looks, at the start and at the claim: of two at once the second sees the first.
Runbooks without a key never come here.
"""

from collections.abc import Mapping
from uuid import UUID

from django.db.models import Q, QuerySet

from runbooks import outbox
from runbooks.domain.conditions import START, ConditionFailed, text_of
from runbooks.domain.definition import Definition
from runbooks.domain.flow import OnConflict
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Invalid, Problem, shown
from runbooks.domain.states import RUN_FINAL, RunStatus, StepStatus
from runbooks.models import Run, Runbook, StepRun
from runbooks.usecases.conflict import Taken

KEY_CHARACTERS = 200


def key_of(*, definition: Definition, values: Mapping[str, JsonValue]) -> str | None:
    """None where runs may overlap. Raises Invalid where these values give no key."""
    if definition.concurrency is None:
        return None
    try:
        key = text_of(definition.concurrency.key, vocabulary=START, values={"params": dict(values)})
    except ConditionFailed as error:
        raise Invalid([Problem("/parameters", "no_key", f"The key of concurrency can't be made. {error}")]) from error
    if len(key) > KEY_CHARACTERS:
        detail = f"These values make a key of concurrency of over {KEY_CHARACTERS} characters."
        raise Invalid([Problem("/parameters", "too_long", detail)])
    return key


def reject_beside(*, runbook: Runbook, definition: Definition, key: str | None) -> None:
    """Must be called inside the transaction that writes the run. Raises Taken: who has the key, since when."""
    if key is None or definition.concurrency is None or definition.concurrency.on_conflict is not OnConflict.REJECT:
        return
    _hold(runbook.pk)
    others = _open(runbook_id=runbook.pk, key=key).exclude(status=RunStatus.AWAITING_APPROVAL)
    other = others.select_related("requested_by").order_by("id").first()
    if other:
        since = other.started_at or other.created_at
        raise Taken(
            f"A run with the key {shown(key)} has not ended yet, and this runbook lets one at a time have it: run "
            f"{other.pk}, {other.status} for {other.requested_by.username} since {since:%Y-%m-%d %H:%M:%S} UTC.",
            code="concurrent_run",
            run_id=str(other.pk),
        )


def has_turn(run: Run) -> bool:
    """Must be called inside the transaction of the claim. Whether no other run has the key of this one before it."""
    if run.concurrency_key is None:
        return True
    _hold(run.runbook_id)
    others = _open(runbook_id=run.runbook_id, key=run.concurrency_key).exclude(pk=run.pk)
    unstarted = Q(status__in=[RunStatus.AWAITING_APPROVAL, RunStatus.QUEUED])
    return not others.filter(~unstarted | Q(status=RunStatus.QUEUED, pk__lt=run.pk)).exists()


def hint_next(run: Run) -> None:
    """Whoever waits for the key of a run that has ended hears of it at once, and not only from the sweeper."""
    if run.concurrency_key is None:
        return
    queued = _open(runbook_id=run.runbook_id, key=run.concurrency_key).filter(status=RunStatus.QUEUED)
    if following := queued.order_by("id").first():
        for step_run in StepRun.objects.filter(run=following, status=StepStatus.QUEUED):
            outbox.hint_step(step_run.pk)


def _hold(runbook_id: UUID) -> None:
    Runbook.objects.select_for_update(no_key=True).only("pk").get(pk=runbook_id)


def _open(*, runbook_id: UUID, key: str) -> QuerySet[Run]:
    return Run.objects.filter(runbook=runbook_id, concurrency_key=key).exclude(status__in=RUN_FINAL)
