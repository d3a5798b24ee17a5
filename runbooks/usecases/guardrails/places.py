"""Who may set guardrails where: whoever vets what runs also says when it does not."""

from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.access.held import Place
from runbooks.access.names import place_named
from runbooks.access.rights import described, restrict_projects, restrict_runbooks, rights_on
from runbooks.domain.policy import Decision, unless
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import Installation, Project, Runbook

Guarded = Installation | Project | Runbook
RIGHTS = ("review", "administer")


def may_guard(*, actor: Actor, place: Place, now: datetime) -> Decision:
    allowed = set(RIGHTS) & rights_on(actor=actor, place=place, now=now)
    return unless(None if allowed else f"This needs the right “review” or “administer” on {described(place)}.")


def require_may_guard(*, actor: Actor, place: Guarded, action: str, now: datetime) -> None:
    """Raises NotAllowed."""
    require(may_guard(actor=actor, place=place, now=now), action=action, thing=place)


def guarded_place(*, actor: Actor, text: str, action: str, now: datetime) -> Guarded:
    """Raises Invalid, and Hidden for what the actor does not see."""
    place = place_named(actor=actor, text=text, pointer="/object", action=action, now=now)
    if not isinstance(place, Installation | Project | Runbook):
        detail = "Write “installation”, “project:payments” or “runbook:payments/drain-worker”."
        raise Invalid([Problem("/object", "invalid_object", detail)])
    return place


def places_to_guard(*, actor: Actor, now: datetime, limit: int = 500) -> list[str]:
    """Names of the places where the actor may."""
    names: set[str] = set()
    for right in RIGHTS:
        projects = Project.objects.filter(archived_at=None)
        projects = restrict_projects(actor=actor, right=right, now=now, queryset=projects)
        books = Runbook.objects.filter(archived_at=None).select_related("project")
        books = restrict_runbooks(actor=actor, right=right, now=now, queryset=books)
        names |= {f"project:{one.slug}" for one in projects[:limit]} | {f"runbook:{one.path}" for one in books[:limit]}
        names |= {"installation"} if right in rights_on(actor=actor, place=Installation(pk=1), now=now) else set()
    return sorted(names)[:limit]
