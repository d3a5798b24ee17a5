from datetime import datetime

from django.db import IntegrityError, transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require_right
from runbooks.audit.record import record
from runbooks.domain.names import require_slug, require_title
from runbooks.models import Project
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.grants.grant import write_grant


def create_project(*, actor: Actor, slug: str, title: str, now: datetime) -> Project:
    """The maker gets no right in it beyond `administer` and `grant`. Raises Invalid, Conflict, NotAllowed."""
    require_right(actor=actor, right="administer", place=installation(), action="project.created", now=now)
    require_slug(slug, pointer="/slug")
    require_title(title, pointer="/title")
    try:
        with transaction.atomic():
            project = Project.objects.create(slug=slug, title=title)
            record(actor=actor, action="project.created", thing=project, details={"title": title}, now=now)
            write_grant(
                by=actor,
                principal=actor.user,
                place=project,
                rights=["administer", "grant"],
                expires_at=None,
                reason="made the project",
                now=now,
            )
    except IntegrityError as error:
        raise Conflict(f"There is a project “{slug}” already.", code="exists") from error
    return project
