"""A person's verdict on the exact content that they read."""

from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require, require_right
from runbooks.access.rights import may
from runbooks.audit.record import record
from runbooks.domain.policy import Decision, review_of, words
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.states import VersionState
from runbooks.models import Review, Version
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.secrets.vouch import may_vouch
from runbooks.usecases.versions.draft import definition_of
from runbooks.usecases.versions.lineage import authors_of

MOVES = {
    "approve": ((VersionState.IN_REVIEW,), VersionState.APPROVED),
    "reject": ((VersionState.IN_REVIEW, VersionState.APPROVED), VersionState.REJECTED),
}


def review(*, actor: Actor, version: Version, verdict: str, comment: str, digest: str, now: datetime) -> Review:
    """DIGEST is the hash that was read: not the version's is a Conflict. Raises Invalid and NotAllowed too."""
    require_right(actor=actor, right="review", place=version.runbook, action="version.reviewed", now=now)
    if verdict not in MOVES:
        raise Invalid([Problem("/verdict", "invalid_choice", "The verdict is “approve” or “reject”.")])
    if verdict == "reject" and not comment.strip():
        raise Invalid([Problem("/comment", "required", "Say what would have to change.")])
    if digest != version.hash:
        raise Conflict("You read another content than this version holds: read it again.", code="stale_hash")
    require(may_review(actor=actor, version=version, now=now), action="version.reviewed", thing=version)
    if verdict == "approve":
        vouching = may_vouch(actor=actor, paths=definition_of(version).secrets.values(), now=now)
        require(vouching, action="version.reviewed", thing=version)
    old, new = MOVES[verdict]
    with transaction.atomic():
        if not Version.objects.filter(pk=version.pk, state__in=old).update(state=new):
            version.refresh_from_db(fields=["state"])
            raise Conflict(f"The version is {words(version.state)} already.", code="wrong_state")
        made = Review.objects.create(version=version, by=actor.user, verdict=verdict, comment=comment, hash=digest)
        details = {"verdict": verdict, "comment": comment, "hash": digest}
        record(actor=actor, action="version.reviewed", thing=version, details=details, now=now)
    version.state = new
    return made


def may_review(*, actor: Actor, version: Version, now: datetime) -> Decision:
    """Whether the actor may give a verdict on this version now, with all that stands against it."""
    holds_right = may(actor=actor, right="review", place=version.runbook, now=now)
    return holds_right & review_of(
        state=VersionState(version.state),
        reviewer=actor.user.person_id,
        authors={author.person_id for author in authors_of(version)},
    )
