"""Signing in and out leaves its trace, whether it worked or not."""

from django.db import transaction
from django.utils import timezone

from runbooks.access.actors import by_session
from runbooks.audit.record import Ref, record
from runbooks.models import User


@transaction.atomic
def record_sign_in(*, name: str, ip: str, user: User | None) -> None:
    """Without USER it failed. NAME is what was typed: perhaps a password by mistake, so it is kept only if known."""
    now = timezone.now()
    if user:
        record(actor=by_session(user=user, ip=ip, request_id=""), action="signin.succeeded", thing=user, now=now)
        return
    known = User.objects.filter(username=name).first()
    thing = known or Ref("user", "", "unknown")
    record(actor=None, stranger_at=ip, action="signin.failed", thing=thing, outcome="denied", now=now)


@transaction.atomic
def record_sign_out(*, user: User, ip: str) -> None:
    actor = by_session(user=user, ip=ip, request_id="")
    record(actor=actor, action="signout", thing=user, now=timezone.now())


@transaction.atomic
def record_change(*, user: User, ip: str, action: str) -> None:
    """Somebody changed how they sign in."""
    actor = by_session(user=user, ip=ip, request_id="")
    record(actor=actor, action=action, thing=user, now=timezone.now())
