"""Who calls the API: a bearer token, or a browser's session with its CSRF token."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from runbooks.access.actors import Actor, by_session, by_token
from runbooks.access.rights import is_enabled
from runbooks.models import User
from runbooks.usecases.people.tokens import recognise


class TokenOrSession(BaseAuthentication):
    """`request.user` is the account, `request.auth` the Actor."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        header = request.headers.get("Authorization", "")
        if header:
            return self._by_token(request, header)
        user = getattr(request._request, "user", None)
        if not isinstance(user, User) or not is_enabled(user):
            return None
        SessionAuthentication().enforce_csrf(request)
        return user, by_session(user=user, **_origin(request))

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _by_token(self, request: Request, header: str) -> tuple[User, Actor]:
        scheme, _, text = header.partition(" ")
        token = recognise(text=text.strip(), now=timezone.now()) if scheme.lower() == "bearer" else None
        if token is None:
            raise AuthenticationFailed("This token is not known, has expired, or was revoked.")
        return token.user, by_token(token=token, **_origin(request))


def _origin(request: Request) -> dict[str, str]:
    http = request._request
    return {"ip": http.META.get("REMOTE_ADDR", "") or "", "request_id": getattr(http, "request_id", "")}
