"""People, service accounts, groups and tokens."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access.fetch import installation, require_right
from runbooks.access.names import user_named
from runbooks.api.base import ApiView
from runbooks.api.idempotency import remembered
from runbooks.api.shapes import (
    AccountChangeIn,
    GroupIn,
    GroupOut,
    MemberIn,
    MembershipOut,
    PersonIn,
    ServiceAccountIn,
    TokenIn,
    TokenOut,
    UserOut,
)
from runbooks.models import TokenKind, UserKind
from runbooks.queries import people
from runbooks.usecases.people.accounts import add_person, add_service_account, disable, enable
from runbooks.usecases.people.groups import add_group, add_member, end_membership
from runbooks.usecases.people.tokens import issue, revoke_token


class Administered(ApiView):
    """Lists of people are for administrators."""

    def require_administrator(self, action: str) -> None:
        require_right(actor=self.actor, right="administer", place=installation(), action=action, now=self.now)


class Users(Administered):
    @extend_schema(responses=UserOut(many=True))
    def get(self, request: Request) -> Response:
        self.require_administrator("user.listed")
        return self.listed(queryset=people.accounts(kind=UserKind.PERSON), shape=UserOut)

    @extend_schema(request=PersonIn, responses={201: UserOut})
    @remembered
    def post(self, request: Request) -> Response:
        made = add_person(actor=self.actor, now=self.now, **self.asked(PersonIn))
        return Response(UserOut(made).data, status=201, headers={"Location": f"/api/v1/users/{made.username}"})


class ServiceAccounts(Administered):
    @extend_schema(responses=UserOut(many=True))
    def get(self, request: Request) -> Response:
        self.require_administrator("user.listed")
        return self.listed(queryset=people.accounts(kind=UserKind.SERVICE), shape=UserOut)

    @extend_schema(request=ServiceAccountIn, responses={201: UserOut})
    @remembered
    def post(self, request: Request) -> Response:
        asked = self.asked(ServiceAccountIn)
        self.require_administrator("user.created")
        asked["owner"] = user_named(name=asked["owner"], pointer="/owner")
        made = add_service_account(actor=self.actor, now=self.now, **asked)
        return Response(UserOut(made).data, status=201, headers={"Location": f"/api/v1/users/{made.username}"})


class UserDetail(Administered):
    @extend_schema(responses=UserOut)
    def get(self, request: Request, name: str) -> Response:
        return Response(UserOut(people.account(actor=self.actor, name=name, now=self.now)).data)

    @extend_schema(request=AccountChangeIn, responses=UserOut)
    def patch(self, request: Request, name: str) -> Response:
        """Switches the account off or on."""
        account = people.account(actor=self.actor, name=name, now=self.now)
        asked = self.asked(AccountChangeIn)
        change = disable if asked["disabled"] else enable
        change(actor=self.actor, account=account, reason=asked["reason"], now=self.now)
        return Response(UserOut(account).data)


class Groups(Administered):
    @extend_schema(responses=GroupOut(many=True))
    def get(self, request: Request) -> Response:
        self.require_administrator("group.listed")
        return self.listed(queryset=people.groups(), shape=GroupOut)

    @extend_schema(request=GroupIn, responses={201: GroupOut})
    @remembered
    def post(self, request: Request) -> Response:
        made = add_group(actor=self.actor, now=self.now, **self.asked(GroupIn))
        return Response(GroupOut(made).data, status=201, headers={"Location": f"/api/v1/groups/{made.slug}"})


class GroupDetail(ApiView):
    @extend_schema(responses=GroupOut)
    def get(self, request: Request, slug: str) -> Response:
        return Response(GroupOut(people.group(actor=self.actor, slug=slug, now=self.now)).data)


class Members(ApiView):
    @extend_schema(responses=MembershipOut(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Past and present, each with its dates."""
        group = people.group(actor=self.actor, slug=slug, now=self.now)
        return self.listed(queryset=group.memberships.select_related("user", "added_by"), shape=MembershipOut)

    @extend_schema(request=MemberIn, responses={201: MembershipOut})
    @remembered
    def post(self, request: Request, slug: str) -> Response:
        asked = self.asked(MemberIn)
        group = people.group(actor=self.actor, slug=slug, action="membership.added", now=self.now)
        user = user_named(name=asked["user"], pointer="/user")
        made = add_member(actor=self.actor, group=group, user=user, ends_at=asked["ends_at"], now=self.now)
        return Response(MembershipOut(made).data, status=201)


class MemberDetail(ApiView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, name: str) -> Response:
        """Ends the membership now; the row stays."""
        group = people.group(actor=self.actor, slug=slug, action="membership.ended", now=self.now)
        user = user_named(name=name, pointer="")
        end_membership(actor=self.actor, group=group, user=user, now=self.now)
        return Response(status=204)


class Tokens(ApiView):
    @extend_schema(responses=TokenOut(many=True))
    def get(self, request: Request) -> Response:
        """One's own, and those of one's service accounts."""
        return self.listed(queryset=people.tokens(actor=self.actor), shape=TokenOut)

    @extend_schema(request=TokenIn, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """The answer carries the token's text, once: a repeat makes another token, whatever Idempotency-Key it has."""
        asked = self.asked(TokenIn)
        name = asked.pop("user") or self.actor.name
        user = people.account(actor=self.actor, name=name, action="token.issued", now=self.now)
        asked["kind"] = TokenKind(asked["kind"])
        token, text = issue(by=self.actor, user=user, now=self.now, **asked)
        headers = {"Location": f"/api/v1/tokens/{token.pk}"}
        return Response({**TokenOut(token).data, "token": text}, status=201, headers=headers)


class TokenDetail(ApiView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        token = people.token(actor=self.actor, token_id=id, now=self.now)
        revoke_token(actor=self.actor, token=token, now=self.now)
        return Response(status=204)
