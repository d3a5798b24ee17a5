"""Who looks at a page."""

from django.http import HttpRequest

from runbooks.access.actors import Actor, by_session
from runbooks.access.rights import is_enabled
from runbooks.models import User


def actor_of(request: HttpRequest) -> Actor | None:
    """None for strangers, and for accounts that have been disabled since they signed in."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not is_enabled(user):
        return None
    ip = str(request.META.get("REMOTE_ADDR", ""))
    return by_session(user=user, ip=ip, request_id=getattr(request, "request_id", ""))
