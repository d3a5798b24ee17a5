"""Bearer tokens: made, recognised, revoked."""

import hashlib
import secrets
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.access.rights import is_enabled, may
from runbooks.audit.record import record
from runbooks.domain.policy import YES, Decision, no
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.rights import RIGHTS, with_implied
from runbooks.models import Token, TokenKind, User
from runbooks.models.prepared import Prepared

TOKEN_OF = Prepared(
    lambda digest: Token.objects.select_related("user__owner").filter(digest=digest, revoked_at=None),
    Token._meta.get_field("digest"),
)

PREFIX = "ops_"
USE_COUNTS_ONCE_PER = timedelta(minutes=1)
NOT_YOURS = "A token acts as its account: only that person makes one, or the owner of a service account."


def issue(
    *,
    by: Actor | None,
    user: User,
    name: str,
    scopes: Sequence[str] = (),
    expires_at: datetime | None = None,
    kind: TokenKind = TokenKind.API,
    now: datetime,
) -> tuple[Token, str]:
    """The token and its text, which is never seen again. Without BY it is the system's administrator at the console.

    A token acts as its account: an administrator who could make one for somebody else would hold that person's rights.
    """
    if by is not None:
        mine = user.pk == by.user.pk or user.owner_id == by.user.pk
        require(YES if mine else no(NOT_YOURS), action="token.issued", thing=user)
    parent = by.token if by else None
    if parent:
        scopes, expires_at = scopes or parent.scopes, expires_at or parent.expires_at
    _check(scopes=scopes, expires_at=expires_at, kind=kind, parent=parent, now=now)
    text = _new_text()
    with transaction.atomic():
        token = Token.objects.create(
            user=user,
            name=name,
            kind=kind,
            prefix=text[:12],
            digest=digest_of(text),
            scopes=list(scopes),
            expires_at=expires_at,
        )
        details = {
            "scopes": list(scopes),
            "expires_at": expires_at.isoformat() if expires_at else None,
            "kind": kind.value,
        }
        record(actor=by, action="token.issued", thing=token, details=details, now=now)
    return token, text


def revoke_token(*, actor: Actor, token: Token, now: datetime) -> None:
    """Revoking twice is no error. Raises NotAllowed."""
    mine = token.user_id == actor.user.pk or token.user.owner_id == actor.user.pk
    require(YES if mine else _administers(actor, now), action="token.revoked", thing=token)
    with transaction.atomic():
        if Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            record(actor=actor, action="token.revoked", thing=token, now=now)


def recognise(*, text: str, now: datetime) -> Token | None:
    """The token of that text, if it is good now; notes that it was used."""
    if not _well_formed(text):
        return None
    token = TOKEN_OF.first(digest_of(text))
    if token is None or (token.expires_at and token.expires_at <= now) or not is_enabled(token.user):
        return None
    if token.last_used_at is None or token.last_used_at < now - USE_COUNTS_ONCE_PER:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _new_text() -> str:
    body = secrets.token_urlsafe(32).replace("-", "A").replace("_", "B")
    return f"{PREFIX}{body}{_checksum(body)}"


def _checksum(body: str) -> str:
    """Six characters by which a scanner, or a slip of the keyboard, is recognised without asking the database."""
    return f"{zlib.crc32(body.encode()):08x}"[:6]


def _well_formed(text: str) -> bool:
    body = text.removeprefix(PREFIX)
    return text.startswith(PREFIX) and text.isascii() and len(body) > 6 and _checksum(body[:-6]) == body[-6:]


def _administers(actor: Actor, now: datetime) -> Decision:
    return may(actor=actor, right="administer", place=installation(), now=now)


def _check(
    *, scopes: Sequence[str], expires_at: datetime | None, kind: TokenKind, parent: Token | None, now: datetime
) -> None:
    problems = [
        Problem(f"/scopes/{index}", "unknown_right", f"There is no right “{scope}”; there are {', '.join(RIGHTS)}.")
        for index, scope in enumerate(scopes)
        if scope not in RIGHTS
    ]
    if expires_at and expires_at <= now:
        problems.append(Problem("/expires_at", "in_the_past", "The token would have expired already."))
    if parent:
        problems += _beyond(parent=parent, scopes=scopes, expires_at=expires_at, kind=kind)
    if problems:
        raise Invalid(problems)


def _beyond(*, parent: Token, scopes: Sequence[str], expires_at: datetime | None, kind: TokenKind) -> Iterator[Problem]:
    """What a token made with the token PARENT may not have: more rights, a later end, or another's kind of trigger."""
    wider = sorted(set(scopes) - with_implied(set(parent.scopes))) if parent.scopes else []
    if wider:
        detail = f"Your own token is limited to {', '.join(sorted(parent.scopes))}; this asks for {', '.join(wider)}."
        yield Problem("/scopes", "wider_than_yours", detail)
    if parent.expires_at and expires_at and expires_at > parent.expires_at:
        yield Problem("/expires_at", "later_than_yours", "Your own token expires before that.")
    if parent.kind == TokenKind.AGENT and kind != TokenKind.AGENT:
        yield Problem("/kind", "not_an_agents", "An agent makes tokens for agents only.")
