"""Owners are told of each use of their runbooks: one message per run and owner, at its end."""

from datetime import datetime

from django.conf import settings

from runbooks import outbox
from runbooks.access.rights import owners_of
from runbooks.domain.policy import words
from runbooks.models import Delivery, OutputChunk, Run

TAIL_BYTES = 2000


def announce_use(*, run: Run, now: datetime) -> None:
    """Must be called inside the transaction of the run's end."""
    for owner in owners_of(runbook=run.runbook, now=now):
        if not owner.email:
            continue
        delivery = Delivery.objects.create(
            run=run,
            recipient=owner,
            address=owner.email,
            subject=f"[opsaas] {run.runbook.path} {words(run.status)}, run by {run.requested_by.username}",
            text=_text(run),
            next_attempt_at=now,
        )
        outbox.send(task=outbox.DELIVER, object_id=delivery.pk)


def _text(run: Run) -> str:
    values = "\n".join(f"  {name} = {value}" for name, value in run.parameters.items()) or "  (none)"
    lines = [
        f"{run.requested_by.username} ran {run.runbook.path} (version {run.version.number}) by {run.trigger}.",
        f"It ended as: {words(run.status)}" + (f", exit code {run.exit_code}." if run.exit_code is not None else "."),
        run.status_detail,
        f"Reason given: {run.reason}" if run.reason else "No reason was given.",
        f"Values:\n{values}",
        f"Output and all else: {settings.OPSAAS_PUBLIC_URL}/runs/{run.pk}",
        f"The end of its output:\n\n{_tail(run)}",
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def _tail(run: Run) -> str:
    last = OutputChunk.objects.filter(run=run).order_by("-seq").values_list("data", flat=True).first()
    return bytes(last or b"")[-TAIL_BYTES:].decode("utf-8", "replace") or "(no output)"
