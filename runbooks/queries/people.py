"""Accounts, groups and tokens, as the actor may see them."""

from datetime import datetime

from django.db.models import Count, Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid, installation
from runbooks.access.rights import may, members_now
from runbooks.models import Group, Membership, Token, User
from runbooks.queries.grants import grants, holding_now


def accounts(*, kind: str = "", q: str = "") -> QuerySet[User]:
    """For administrators: the caller has asked."""
    found = User.objects.select_related("owner")
    found = found.filter(kind=kind) if kind else found
    return found.filter(Q(username__icontains=q) | Q(full_name__icontains=q)) if q else found


def account(*, actor: Actor, name: str, action: str = "user.read", now: datetime) -> User:
    """Administrators see all; others themselves and the service accounts they own. Raises Hidden."""
    found = User.objects.select_related("owner").filter(username=name).first()
    mine = found is not None and actor.user.pk in {found.pk, found.owner_id}
    if found is None or not (mine or _administers(actor, now)):
        raise Hidden(action=action, kind="user", name=name, id=str(found.pk) if found else "")
    return found


def groups() -> QuerySet[Group]:
    """For administrators: the caller has asked."""
    return Group.objects.all()


def group(*, actor: Actor, slug: str, action: str = "group.read", now: datetime) -> Group:
    """Raises Hidden for who is no administrator."""
    found = Group.objects.filter(slug=slug).first()
    if found is None or not _administers(actor, now):
        raise Hidden(action=action, kind="group", name=slug, id=str(found.pk) if found else "")
    return found


def tokens(*, actor: Actor) -> QuerySet[Token]:
    mine = Q(user=actor.user) | Q(user__owner=actor.user)
    return Token.objects.filter(mine).select_related("user__owner")


def token(*, actor: Actor, token_id: str, now: datetime) -> Token:
    """Administrators may name anybody's. Raises Hidden."""
    key = as_uuid(token_id)
    found = Token.objects.select_related("user__owner").filter(pk=key).first() if key else None
    mine = found is not None and actor.user.pk in {found.user_id, found.user.owner_id}
    if found is None or not (mine or _administers(actor, now)):
        raise Hidden(action="token.revoked", kind="token", name=token_id[:64], id=str(found.pk) if found else "")
    return found


def _administers(actor: Actor, now: datetime) -> bool:
    return may(actor=actor, right="administer", place=installation(), now=now).allowed


def members(*, group: Group) -> QuerySet[Membership]:
    """Past and present, the newest first. For administrators: the caller has asked."""
    return group.memberships.select_related("user__owner", "added_by").order_by("-starts_at", "-pk")


def memberships(*, user: User) -> QuerySet[Membership]:
    """Past and present, the newest first. The caller has asked for the account."""
    return user.memberships.select_related("group", "added_by").order_by("-starts_at", "-pk")


def tokens_of(*, user: User) -> QuerySet[Token]:
    """The caller has asked for the account."""
    return Token.objects.filter(user=user).order_by("-pk")


def known_principals(*, actor: Actor, now: datetime, limit: int = 500) -> list[str]:
    """Names for a list to choose from: all for administrators, for others those that hold something they may see."""
    if _administers(actor, now):
        people = [
            f"user:{name}" for name in User.objects.filter(disabled_at=None).values_list("username", flat=True)[:limit]
        ]
        return sorted([*people, *(f"group:{slug}" for slug in Group.objects.values_list("slug", flat=True)[:limit])])
    seen = holding_now(grants(actor=actor, now=now), now)[:limit]
    return sorted({grant.principal_name for grant in seen})


def sized_groups(*, now: datetime) -> QuerySet[Group]:
    """With `size`, the number of present members. For administrators: the caller has asked."""
    present = members_now(now, "memberships__")
    return Group.objects.annotate(size=Count("memberships", filter=present))
