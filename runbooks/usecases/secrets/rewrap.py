"""After the master key was changed: every data key is wrapped by the current one, while everything runs."""

from collections.abc import Iterator
from itertools import chain

from django.db import transaction
from django.db.models import QuerySet

from runbooks.domain.secrecy.sealing import rewrap
from runbooks.models import EndpointSecret, RunSecret, SecretValue
from runbooks.usecases.secrets.keep import keyring


def rewrap_all(*, batch: int = 100) -> int:
    """How many were wrapped anew. Raises CannotOpen where an older key is missing."""
    kinds = (SecretValue.objects.exclude(key_id=""), RunSecret.objects.all(), EndpointSecret.objects.all())
    return sum(chain.from_iterable(_each(rows, batch) for rows in kinds))


def left() -> int:
    """How many still need another key than the current one."""
    current = keyring().current
    others = (
        SecretValue.objects.exclude(key_id__in=["", current]),
        RunSecret.objects.exclude(key_id=current),
        EndpointSecret.objects.exclude(key_id=current),
    )
    return sum(rows.count() for rows in others)


def _each(rows: QuerySet[SecretValue] | QuerySet[RunSecret] | QuerySet[EndpointSecret], batch: int) -> Iterator[int]:
    waiting = list(rows.exclude(key_id=keyring().current).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(waiting), batch):
        with transaction.atomic():
            locked = rows.select_for_update().filter(pk__in=waiting[start : start + batch])
            for row in locked:
                sealed = rewrap(row.sealed, context=row.context, keyring=keyring())
                row.key_id, row.wrapped_key = sealed.key_id, sealed.wrapped_key
                row.save(update_fields=["key_id", "wrapped_key"])
        yield len(locked)
