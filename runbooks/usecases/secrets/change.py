"""A new value, other words about it, or its end. What it was is never told."""

from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require_right
from runbooks.audit.record import record
from runbooks.domain.names import require_title
from runbooks.domain.secrecy.secret_values import require_value
from runbooks.models import Secret
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.secrets.keep import GONE, keep_value


def rotate(*, actor: Actor, secret: Secret, value: str, now: datetime) -> None:
    """From the next step on, scripts get the new value. Raises NotAllowed, Invalid and Conflict."""
    require_right(actor=actor, right="use", place=secret, action="secret.rotated", now=now)
    require_value(value, pointer="/value")
    with transaction.atomic():
        locked = _locked(secret)
        made = keep_value(actor=actor, secret=locked, value=value, now=now)
        Secret.objects.filter(pk=secret.pk).update(rotated_at=now)
        record(actor=actor, action="secret.rotated", thing=secret, details={"number": made.number}, now=now)
    secret.rotated_at = now


def describe(*, actor: Actor, secret: Secret, title: str, description: str, now: datetime) -> None:
    require_right(actor=actor, right="use", place=secret, action="secret.described", now=now)
    require_title(title, pointer="/title")
    with transaction.atomic():
        _locked(secret)
        Secret.objects.filter(pk=secret.pk).update(title=title, description=description)
        details = {"title": title, "description": description}
        record(actor=actor, action="secret.described", thing=secret, details=details, now=now)
    secret.title, secret.description = title, description


def archive(*, actor: Actor, secret: Secret, now: datetime) -> None:
    """Destroys the value. The name stays taken, and runs that need it are refused. Raises NotAllowed and Conflict."""
    require_right(actor=actor, right="use", place=secret, action="secret.archived", now=now)
    with transaction.atomic():
        _locked(secret)
        Secret.objects.filter(pk=secret.pk).update(archived_at=now)
        secret.values.exclude(key_id="").update(**GONE)
        record(actor=actor, action="secret.archived", thing=secret, now=now)
    secret.archived_at = now


def _locked(secret: Secret) -> Secret:
    locked = Secret.objects.select_for_update(of=("self",)).get(pk=secret.pk)
    if locked.archived_at:
        raise Conflict("This secret is archived: its value is destroyed. Make another.", code="archived")
    return locked
