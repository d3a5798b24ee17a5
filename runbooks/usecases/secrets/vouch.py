"""Whose right counts when a script gets a secret: that of who approved or published the version that names it."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from runbooks.access.actors import Actor
from runbooks.access.rights import account_rights_on, is_enabled, rights_on
from runbooks.domain.policy import Decision, unless
from runbooks.models import Secret, User, Version


def may_vouch(*, actor: Actor, paths: Iterable[str], now: datetime) -> Decision:
    """Whether the actor may approve a version that names these. Absent and hidden ones answer alike."""
    held = {path: "use" in rights_on(actor=actor, place=secret, now=now) for path, secret in _there(paths).items()}
    return unless(*(_not_vouched(path) for path in sorted(set(paths)) if not held.get(path)))


def vouched(*, version: Version, paths: Iterable[str], now: datetime, publisher: Actor | None = None) -> Decision:
    """Whether all of them are still there, and each is still vouched for: by an account that approved this very content
    or published it (PUBLISHER: is about to), is enabled, and holds the right to use it now."""
    if not (paths := sorted(set(paths))):
        return unless()
    there = _there(paths)
    people = list(_vouchers(version=version)) if there else []
    mine = {
        path
        for path, secret in there.items()
        if publisher and "use" in rights_on(actor=publisher, place=secret, now=now)
    }
    return unless(
        *(
            _gone(path)
            if path not in there
            else None
            if path in mine or _held_by_any(people, there[path], now)
            else _orphaned(path)
            for path in paths
        )
    )


def _there(paths: Iterable[str]) -> dict[str, Secret]:
    wanted = set(paths)
    slugs = {path.partition("/")[2] for path in wanted}
    rows = Secret.objects.select_related("project").filter(slug__in=slugs, archived_at=None)
    return {secret.path: secret for secret in rows if secret.path in wanted}


def _vouchers(*, version: Version) -> Iterable[User]:
    approved = version.reviews.filter(verdict="approve", hash=version.hash)
    found = Q(pk__in=approved.values("by")) | Q(pk=version.published_by_id)
    return User.objects.select_related("owner").filter(found)


def _held_by_any(people: Iterable[User], secret: Secret, now: datetime) -> bool:
    return any(is_enabled(user) and "use" in account_rights_on(user=user, place=secret, now=now) for user in people)


def _not_vouched(path: str) -> str:
    return f"This version gets the secret “{path}”: there is none, or you do not hold the right “use” on it."


def _gone(path: str) -> str:
    return f"The secret “{path}” is not there, or is archived."


def _orphaned(path: str) -> str:
    return (
        f"Nobody who approved or published this version holds the right “use” on the secret “{path}” now:"
        " somebody who does has to approve or publish it again."
    )
