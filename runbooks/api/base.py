"""What every view of the API shares."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from runbooks.access.actors import Actor
from runbooks.queries.paging import checked_size, page

M = TypeVar("M", bound=Model)


class OneForm(BaseContentNegotiation):
    """The API speaks JSON whatever Accept says; the few addresses with other forms look at it themselves."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        kind = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    content_negotiation_class = OneForm

    @property
    def actor(self) -> Actor:
        assert isinstance(self.request.auth, Actor)
        return self.request.auth

    @cached_property
    def now(self) -> datetime:
        """One moment for the whole request."""
        return timezone.now()

    def asked(self, shape: type[Serializer[Any]]) -> dict[str, Any]:
        """The body in that shape. Unknown fields are errors."""
        form = shape(data=self.request.data)
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "")

    def listed(self, *, queryset: QuerySet[M], shape: type[Serializer[Any]], key: str = "pk") -> Response:
        size = checked_size(self.query("limit"))
        found = page(queryset=queryset, cursor=self.query("cursor"), size=size, key=key)
        context = self.context_of(found.results)
        return Response({"results": shape(found.results, many=True, context=context).data, "next": found.next})

    def context_of(self, rows: Sequence[Any]) -> dict[str, Any]:
        """What the shape has to know about ROWS besides themselves."""
        return {}
