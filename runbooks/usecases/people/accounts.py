"""Adding people and service accounts, and switching accounts off and on."""

from datetime import datetime

from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import Q

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require, require_right
from runbooks.access.rights import may
from runbooks.audit.record import record
from runbooks.domain.names import require_username
from runbooks.domain.policy import YES, Decision, no
from runbooks.models import Token, User, UserKind
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.people.passwords import check_password


def add_person(*, actor: Actor, username: str, full_name: str, email: str, password: str, now: datetime) -> User:
    """Without a PASSWORD the account can't sign in by one. Raises Invalid, Conflict, NotAllowed."""
    require_right(actor=actor, right="administer", place=installation(), action="user.created", now=now)
    require_username(username, pointer="/username")
    person = User(username=username, full_name=full_name, email=email, kind=UserKind.PERSON)
    if password:
        check_password(password, user=person, pointer="/password")
        person.set_password(password)
    else:
        person.set_unusable_password()
    return _write(actor=actor, account=person, now=now)


def add_service_account(*, actor: Actor, username: str, owner: User, full_name: str, now: datetime) -> User:
    """OWNER answers for it. Raises Invalid, Conflict, NotAllowed."""
    require_right(actor=actor, right="administer", place=installation(), action="user.created", now=now)
    require_username(username, pointer="/username")
    if owner.kind != UserKind.PERSON:
        raise Conflict("A service account is owned by a person.", code="owner_is_no_person")
    account = User(username=username, full_name=full_name, kind=UserKind.SERVICE, owner=owner)
    account.set_unusable_password()
    return _write(actor=actor, account=account, now=now)


def disable(*, actor: Actor, account: User, reason: str = "", now: datetime) -> None:
    """Ends sessions and tokens at their next request, and keeps queued runs from starting. Raises NotAllowed."""
    _require_may_switch(actor=actor, account=account, action="user.disabled", now=now)
    with transaction.atomic():
        if not User.objects.filter(pk=account.pk, disabled_at=None).update(disabled_at=now):
            return
        _end_sessions(account)
        record(actor=actor, action="user.disabled", thing=account, reason=reason, now=now)
    account.refresh_from_db()


def enable(*, actor: Actor, account: User, reason: str = "", now: datetime) -> None:
    """Tokens issued before, to it or to its service accounts, do not come back to life. Raises NotAllowed."""
    _require_may_switch(actor=actor, account=account, action="user.enabled", now=now)
    with transaction.atomic():
        if not User.objects.filter(pk=account.pk).exclude(disabled_at=None).update(disabled_at=None):
            return
        theirs = Q(user=account) | Q(user__owner=account)
        Token.objects.filter(theirs, revoked_at=None).update(revoked_at=now)
        record(actor=actor, action="user.enabled", thing=account, reason=reason, now=now)
    account.refresh_from_db()


def may_switch(*, actor: Actor, account: User, now: datetime) -> Decision:
    """Whether the actor may disable this account or, where it is disabled, enable it.

    Who owns a service account may stop it; that it acts again is for an administrator, who may have stopped it, to say.
    """
    administers = may(actor=actor, right="administer", place=installation(), now=now)
    if account.owner_id == actor.user.pk and not account.disabled_at:
        return administers if actor.scopes else YES
    if account.person_id == actor.user.person_id:
        return administers & no("You can't switch your own account, nor switch on a service account of yours.")
    return administers


def _require_may_switch(*, actor: Actor, account: User, action: str, now: datetime) -> None:
    require(may_switch(actor=actor, account=account, now=now), action=action, thing=account)


def _write(*, actor: Actor, account: User, now: datetime) -> User:
    try:
        with transaction.atomic():
            account.save(force_insert=True)
            details = {"kind": account.kind, "owner": account.owner.username if account.owner else None}
            record(actor=actor, action="user.created", thing=account, details=details, now=now)
    except IntegrityError as error:
        raise Conflict(f"There is an account “{account.username}” already.", code="exists") from error
    return account


def _end_sessions(account: User) -> None:
    """Every request asks again whether the account is enabled; this only tidies up what is known to be dead."""
    for session in Session.objects.iterator():
        if session.get_decoded().get("_auth_user_id") == str(account.pk):
            session.delete()
