from collections.abc import Sequence
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access import fetch
from runbooks.api.base import ApiView
from runbooks.api.idempotency import remembered
from runbooks.api.secret_shapes import SecretChange, SecretIn, SecretOut
from runbooks.models import Secret
from runbooks.queries.secrets import secrets, used_by
from runbooks.usecases.secrets.change import archive, describe, rotate
from runbooks.usecases.secrets.create import create_secret


class _View(ApiView):
    def context_of(self, rows: Sequence[Any]) -> dict[str, Any]:
        return {"used_by": used_by(actor=self.actor, secrets=rows, now=self.now)}

    def shown(self, secret: Secret, **more: Any) -> Response:
        return Response(SecretOut(secret, context=self.context_of([secret])).data, **more)


class Secrets(_View):
    @extend_schema(responses=SecretOut(many=True))
    def get(self, request: Request) -> Response:
        """Names and dates. Nobody reads a value back."""
        found = secrets(actor=self.actor, now=self.now, project=self.query("project"), q=self.query("q"))
        return self.listed(queryset=found, shape=SecretOut)

    @extend_schema(request=SecretIn, responses={201: SecretOut})
    @remembered
    def post(self, request: Request) -> Response:
        made = create_secret(actor=self.actor, now=self.now, **self.asked(SecretIn))
        return self.shown(made, status=201, headers={"Location": f"/api/v1/secrets/{made.path}"})


class SecretDetail(_View):
    @extend_schema(responses=SecretOut)
    def get(self, request: Request, project: str, slug: str) -> Response:
        return self.shown(self._found(project, slug, action="secret.read"))

    @extend_schema(request=SecretChange, responses=SecretOut)
    def patch(self, request: Request, project: str, slug: str) -> Response:
        """A new value counts from the next step that gets it."""
        asked = self.asked(SecretChange)
        found = self._found(project, slug, action="secret.rotated" if "value" in asked else "secret.described")
        with transaction.atomic():
            if "value" in asked:
                rotate(actor=self.actor, secret=found, value=asked["value"], now=self.now)
            if asked.keys() & {"title", "description"} or not asked:
                words = {name: asked.get(name, getattr(found, name)) for name in ("title", "description")}
                describe(actor=self.actor, secret=found, now=self.now, **words)
        return self.shown(found)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, project: str, slug: str) -> Response:
        """Archives it: the value is destroyed, the name stays taken."""
        archive(actor=self.actor, secret=self._found(project, slug, action="secret.archived"), now=self.now)
        return Response(status=204)

    def _found(self, project: str, slug: str, *, action: str) -> Secret:
        return fetch.secret(actor=self.actor, path=f"{project}/{slug}", action=action, now=self.now)
