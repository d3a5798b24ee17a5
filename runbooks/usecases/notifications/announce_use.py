"""Owners are told of each use of their runbooks: one message per run and owner, soon after its end."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, Subquery

from runbooks import outbox
from runbooks.access.rights import account_rights_on, owners_of
from runbooks.domain.ports import NotStored
from runbooks.live.follow import log_bytes
from runbooks.live.pieces import OutputDamaged
from runbooks.models import Delivery, OutputChunk, Run, Runbook
from runbooks.usecases.notifications.compose import address_of, of_end
from runbooks.usecases.notifications.one_by_one import written
from runbooks.usecases.notifications.ways import NOTHING_CHOSEN, choices_of, to_person

TAIL_BYTES = 2000
AT_ONCE = 200
OUTPUT_FOLLOWS = "\nThe end of its output:\n\n"
UNTOLD = "The messages of this use could not be written: its owners were not told. The scheduler's log says more."


@transaction.atomic
def announce_uses(*, now: datetime) -> int:
    """Writes the messages for the uses that nobody was told of, each once however many schedulers do this; answers how
    many uses there were."""
    untold = Run.objects.filter(announced_at=None, started_at__isnull=False, finished_at__isnull=False)
    runs = list(
        untold.select_for_update(of=("self",), skip_locked=True)
        .select_related("runbook__project", "version", "requested_by")
        .defer("plan", "version__manifest")
        .order_by("finished_at")[:AT_ONCE]
    )
    if not runs:
        return 0
    messages = written(runs, write=partial(_write, now=now), give_up=_tell_nobody)
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(announced_at=now)
    if messages:
        outbox.hint_deliveries()
    return len(runs)


def _write(runs: Sequence[Run], *, now: datetime) -> int:
    messages = [message for runbook, uses in _by_runbook(runs) for message in _messages(runbook, uses, now=now)]
    Delivery.objects.bulk_create(messages, ignore_conflicts=True)
    return len(messages)


def _tell_nobody(run: Run) -> None:
    """The page of messages says so."""
    lost = Delivery(
        occasion=f"run:{run.pk}",
        run=run,
        runbook=run.runbook,
        project=run.runbook.project,
        channel="none",
        address="owners",
        subject=f"[opsaas] A use of {run.runbook.path} was not told of",
        text=UNTOLD,
        link=address_of("run", str(run.pk), ""),
        last_error=UNTOLD,
    )
    Delivery.objects.bulk_create([lost], ignore_conflicts=True)


def _by_runbook(runs: Sequence[Run]) -> Iterator[tuple[Runbook, list[Run]]]:
    uses: dict[UUID, list[Run]] = {}
    for run in runs:
        uses.setdefault(run.runbook_id, []).append(run)
    return ((found[0].runbook, found) for found in uses.values())


def _messages(runbook: Runbook, runs: Sequence[Run], *, now: datetime) -> Iterator[Delivery]:
    owners = owners_of(runbook=runbook, now=now)
    readers = {owner.pk for owner in owners if "see_output" in account_rights_on(user=owner, place=runbook, now=now)}
    tails = _tails(runs) if readers else {}
    choices = choices_of(owners)
    for run in runs:
        notice = of_end(run)
        output = f"{OUTPUT_FOLLOWS}{_readable(tails.get(run.pk, b''))}\n"
        for owner in owners:
            choice, more = choices.get(owner.pk, NOTHING_CHOSEN), output if owner.pk in readers else ""
            yield from to_person(notice, owner, choice, more=more, now=now)


def _tails(runs: Sequence[Run]) -> dict[UUID, bytes]:
    last = OutputChunk.objects.filter(run=OuterRef("run")).order_by("-seq").values("seq")[:1]
    found = OutputChunk.objects.filter(run__in=[run.pk for run in runs], seq=Subquery(last))
    tails = {run_id: bytes(data) for run_id, data in found.values_list("run_id", "data")}
    sealed = [run for run in runs if run.pk not in tails and run.output_bytes and not run.output_removed_at]
    return tails | {run.pk: _sealed_tail(run) for run in sealed}


def _sealed_tail(run: Run) -> bytes:
    """Of a use that was told of late: its output is not in the database any more."""
    try:
        return b"".join(log_bytes(run=run, start=run.output_bytes - TAIL_BYTES, stop=run.output_bytes))
    except (OutputDamaged, NotStored) as error:
        return f"({error})".encode()


def _readable(tail: bytes) -> str:
    """Whatever the bytes are, text that can be stored: PostgreSQL takes no NUL."""
    text = tail[-TAIL_BYTES:].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text or "(no output)"
