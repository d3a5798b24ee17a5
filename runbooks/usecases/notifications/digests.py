"""Messages that were held go together, as one, when their hour has come."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from django.db import transaction

from runbooks import outbox
from runbooks.models import Delivery
from runbooks.usecases.notifications.compose import address_of, one_line

AT_ONCE = 500


@transaction.atomic
def send_digests(*, now: datetime) -> int:
    """Answers how many messages went into digests. What is over waits for the next round, a moment later."""
    due = Delivery.objects.select_for_update(of=("self",), skip_locked=True).filter(held_until__lte=now)
    held = list(
        due.select_related("recipient", "endpoint").order_by("recipient", "channel", "endpoint", "pk")[:AT_ONCE]
    )
    for _, parts in groupby(held, key=lambda one: (one.recipient_id, one.channel, one.endpoint_id)):
        _gather(list(parts), now=now)
    if held:
        outbox.hint_deliveries()
    return len(held)


def _gather(parts: Sequence[Delivery], *, now: datetime) -> None:
    first = parts[0]
    count = f"{len(parts)} messages" if len(parts) > 1 else "one message"
    lines = [
        f"{part.created_at:%Y-%m-%d %H:%M} UTC  {part.subject.removeprefix('[opsaas] ')}\n  {part.link}"
        for part in parts
    ]
    whole = Delivery.objects.create(
        occasion=f"digest:{first.pk}",
        event="digest",
        recipient=first.recipient,
        channel=first.channel,
        address=first.address,
        endpoint=first.endpoint,
        subject=one_line(f"[opsaas] {count}"),
        text="\n\n".join(lines) + "\n",
        link=address_of("", "", ""),
        facts={
            "type": "digest",
            "timestamp": now.isoformat().replace("+00:00", "Z"),
            "data": {"messages": [part.facts for part in parts]},
        },
        next_attempt_at=now,
    )
    Delivery.objects.filter(pk__in=[part.pk for part in parts]).update(held_until=None, digest=whole)
