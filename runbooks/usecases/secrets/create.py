from datetime import datetime

from django.db import IntegrityError, transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import project as fetch_project
from runbooks.access.fetch import require_right
from runbooks.audit.record import record
from runbooks.domain.names import require_slug, require_title
from runbooks.domain.secrecy.secret_values import require_value
from runbooks.models import Secret
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.secrets.keep import keep_value


def create_secret(
    *, actor: Actor, project: str, slug: str, title: str, value: str, description: str = "", now: datetime
) -> Secret:
    """Raises Hidden (the project), NotAllowed, Invalid, and Conflict: a slug is never used again, archived or not."""
    place = fetch_project(actor=actor, slug=project, action="secret.created", now=now)
    require_right(actor=actor, right="use", place=place, action="secret.created", now=now)
    require_slug(slug, pointer="/slug")
    require_title(title, pointer="/title")
    require_value(value, pointer="/value")
    try:
        with transaction.atomic():
            made = Secret.objects.create(
                project=place, slug=slug, title=title, description=description, created_at=now, rotated_at=now
            )
            keep_value(actor=actor, secret=made, value=value, now=now)
            record(actor=actor, action="secret.created", thing=made, details={"title": title}, now=now)
    except IntegrityError as error:
        raise Conflict(f"There is or was a secret “{slug}” in this project.", code="exists") from error
    return made
