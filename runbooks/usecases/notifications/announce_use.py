"""Owners are told of each use of their runbooks: one message per run and owner, at its end."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from runbooks import outbox
from runbooks.access.rights import account_rights_on, owners_of
from runbooks.domain.policy import words
from runbooks.domain.ports import Notifier
from runbooks.models import Delivery, OutputChunk, Run
from runbooks.usecases.notifications.deliver import deliver

TAIL_BYTES = 2000
AT_ONCE = 200


def announce_use(*, run_id: str, notifiers: Mapping[str, Notifier], now: datetime) -> None:
    """Writes the messages, each once however often this is called, and tries to send them at once."""
    run = Run.objects.select_related("runbook__project", "version", "requested_by").get(pk=run_id)
    text = _text(run)
    output = f"The end of its output:\n\n{_tail(run)}\n"
    for owner in owners_of(runbook=run.runbook, now=now):
        if not owner.email:
            continue
        reads = "see_output" in account_rights_on(user=owner, place=run.runbook, now=now)
        delivery, new = Delivery.objects.get_or_create(
            run=run,
            recipient=owner,
            channel="email",
            defaults={
                "address": owner.email,
                "subject": f"[opsaas] {run.runbook.path} {words(run.status)}, run by {run.requested_by.username}",
                "text": f"{text}\n{output}" if reads else text,
                "next_attempt_at": now,
            },
        )
        if new:
            deliver(delivery_id=str(delivery.pk), notifiers=notifiers, now=now)
    Run.objects.filter(pk=run.pk).update(announced_at=now)


def announce_again(*, now: datetime) -> int:
    """Sends hints for uses that nobody was told of: a broker may have lost the first."""
    forgotten = Run.objects.filter(
        announced_at=None, started_at__isnull=False, finished_at__lt=now - timedelta(seconds=60)
    )
    keys = list(forgotten.order_by("finished_at").values_list("pk", flat=True)[:AT_ONCE])
    for run_id in keys:
        with transaction.atomic():
            outbox.send(task=outbox.ANNOUNCE_USE, object_id=run_id)
    return len(keys)


def _text(run: Run) -> str:
    values = "\n".join(f"  {name} = {value}" for name, value in run.parameters.items()) or "  (none)"
    lines = [
        f"{run.requested_by.username} ran {run.runbook.path} (version {run.version.number}) by {run.trigger}.",
        f"It ended as: {words(run.status)}" + (f", exit code {run.exit_code}." if run.exit_code is not None else "."),
        run.status_detail,
        f"Reason given: {run.reason}" if run.reason else "No reason was given.",
        f"Values:\n{values}",
        f"Output and all else: {settings.OPSAAS_PUBLIC_URL}/runs/{run.pk}",
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def _tail(run: Run) -> str:
    last = OutputChunk.objects.filter(run=run).order_by("-seq").values_list("data", flat=True).first()
    return bytes(last or b"")[-TAIL_BYTES:].decode("utf-8", "replace") or "(no output)"
