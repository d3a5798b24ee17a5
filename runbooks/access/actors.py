"""Who acts, and by which way they came."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from runbooks.access.held import Held
from runbooks.models import Token, TokenKind, User


@dataclass(frozen=True)
class Actor:
    """A signed-in account, with the credential it came by."""

    user: User
    via: str  # "ui", or the kind of the token: what the trigger of a run is taken from
    ip: str = ""
    request_id: str = ""
    token: Token | None = None
    known_rights: dict[tuple[type, UUID | int, datetime], Held] = field(
        default_factory=dict, compare=False, repr=False
    )  # what was found for this actor at one moment: a request asks the same several times

    @property
    def name(self) -> str:
        return self.user.username

    @property
    def scopes(self) -> set[str]:
        """Rights that the credential is limited to; empty: all that the account has."""
        return set(self.token.scopes) if self.token else set()


def by_token(*, token: Token, ip: str, request_id: str) -> Actor:
    return Actor(user=token.user, via=TokenKind(token.kind).value, ip=ip, request_id=request_id, token=token)


def by_session(*, user: User, ip: str, request_id: str) -> Actor:
    return Actor(user=user, via="ui", ip=ip, request_id=request_id)
