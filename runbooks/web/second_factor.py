"""Codes of authenticator apps, as allauth asks for them: a wrong one is a failed sign-in, and is logged as one."""

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator

from runbooks.usecases.people.signing_in import record_sign_in


class _Logged:
    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        super()._emit_authentication_failed(authenticator)  # type: ignore[misc]  # allauth has no types
        ip = str(context.request.META.get("REMOTE_ADDR", ""))
        record_sign_in(name=authenticator.user.username, ip=ip, user=None)


class CodeForm(_Logged, AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """After the password."""


class CodeAgainForm(_Logged, ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """Before something dangerous."""
