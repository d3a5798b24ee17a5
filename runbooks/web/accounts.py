"""How allauth signs people in here: no sign-up, and every attempt in the log."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from runbooks.models import User
from runbooks.usecases.people.signing_in import record_change, record_sign_in, record_sign_out

SECOND_FACTOR_CHANGES = {
    "mfa/email/totp_activated": "user.second_factor_added",
    "mfa/email/totp_deactivated": "user.second_factor_removed",
    "mfa/email/recovery_codes_generated": "user.recovery_codes_made",
}


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

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        record_sign_in(name=user.username, ip=_ip(request), user=None)
        answer: HttpResponse = super().respond_user_inactive(request, user)
        return answer

    def set_password(self, user: User, password: str) -> None:
        with transaction.atomic():
            super().set_password(user, password)
            record_change(user=user, ip=_ip(self.request), action="user.password_changed")

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Called after each change of how somebody signs in; no mail is sent, but the log is told."""
        if action := SECOND_FACTOR_CHANGES.get(template_prefix):
            record_change(user=user, ip=_ip(self.request), action=action)
        super().send_notification_mail(template_prefix, user, context, email)

    def get_client_ip(self, request: HttpRequest) -> str:
        return _ip(request)


def _ip(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
