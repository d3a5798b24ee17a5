"""How allauth signs people in here: no sign-up, and every attempt in the log."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from runbooks.models import User
from runbooks.usecases.people.signing_in import record_sign_in, record_sign_out


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        record_sign_in(name=user.username, ip=_ip(request), user=user)

    def logout(self, request: HttpRequest) -> None:
        if isinstance(request.user, User):
            record_sign_out(user=request.user, ip=_ip(request))
        super().logout(request)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        record_sign_in(name=str(credentials.get("username", ""))[:64], ip=_ip(request), user=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        return _ip(request)


def _ip(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
