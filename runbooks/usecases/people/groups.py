"""Groups and who is in them, dated. Changing a group counts as granting what it holds."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require, require_right
from runbooks.access.rights import members_now
from runbooks.audit.record import record
from runbooks.domain.names import require_slug, require_title
from runbooks.domain.policy import unless
from runbooks.models import Group, Membership, User
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.grants.grant import require_may_hand_on


def add_group(*, actor: Actor, slug: str, title: str, now: datetime) -> Group:
    require_right(actor=actor, right="administer", place=installation(), action="group.created", now=now)
    require_slug(slug, pointer="/slug")
    require_title(title, pointer="/title")
    try:
        with transaction.atomic():
            group = Group.objects.create(slug=slug, title=title)
            record(actor=actor, action="group.created", thing=group, details={"title": title}, now=now)
    except IntegrityError as error:
        raise Conflict(f"There is a group “{slug}” already.", code="exists") from error
    return group


def add_member(*, actor: Actor, group: Group, user: User, ends_at: datetime | None = None, now: datetime) -> Membership:
    """Adding somebody who is in it already changes nothing. Raises NotAllowed."""
    require_right(actor=actor, right="administer", place=installation(), action="membership.added", now=now)
    myself = unless(
        "Nobody widens their own rights: somebody else has to add you or an account of yours."
        if user.person_id == actor.user.person_id
        else None
    )
    require(myself, action="membership.added", thing=group)
    require_may_hand_on(actor=actor, group=group, action="membership.added", now=now)
    with transaction.atomic():
        Group.objects.select_for_update(no_key=True).get(pk=group.pk)  # of two at once the second finds the first
        if current := Membership.objects.filter(members_now(now), group=group, user=user).first():
            return current
        Membership.objects.filter(Q(ends_at=None), group=group, user=user).update(ends_at=now)
        made = Membership.objects.create(group=group, user=user, starts_at=now, ends_at=ends_at, added_by=actor.user)
        details = {"user": user.username, "ends_at": ends_at.isoformat() if ends_at else None}
        record(actor=actor, action="membership.added", thing=group, details=details, now=now)
    return made


def end_membership(*, actor: Actor, group: Group, user: User, now: datetime) -> None:
    """Raises NotAllowed, and Conflict where the user is not in the group."""
    require_right(actor=actor, right="administer", place=installation(), action="membership.ended", now=now)
    with transaction.atomic():
        if not Membership.objects.filter(members_now(now), group=group, user=user).update(ends_at=now):
            raise Conflict(f"{user.username} is not in {group.slug}.", code="no_member")
        record(actor=actor, action="membership.ended", thing=group, details={"user": user.username}, now=now)
