"""Owners are told of each use of their runbooks: one message per run and owner, at its end."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from runbooks import outbox
from runbooks.access.rights import owners_of
from runbooks.domain.policy import words
from runbooks.models import Delivery, OutputChunk, Run, User

TAIL_BYTES = 2000


def announce_use(*, run_id: str, now: datetime) -> None:
    """Writes the messages, each once however often this is called, and hands them on to be sent."""
    run = Run.objects.select_related("runbook__project", "version", "requested_by").get(pk=run_id)
    text = _text(run)
    for owner in owners_of(runbook=run.runbook, now=now):
        if owner.email:
            _write(run=run, owner=owner, text=text, now=now)


@transaction.atomic
def _write(*, run: Run, owner: User, text: str, now: datetime) -> None:
    subject = f"[opsaas] {run.runbook.path} {words(run.status)}, run by {run.requested_by.username}"
    delivery, new = Delivery.objects.get_or_create(
        run=run,
        recipient=owner,
        channel="email",
        defaults={"address": owner.email, "subject": subject, "text": text, "next_attempt_at": now},
    )
    if new:
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
