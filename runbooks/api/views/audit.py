from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access.fetch import installation
from runbooks.api.base import ApiView
from runbooks.api.shapes import AuditEventOut
from runbooks.audit.reads import record_read
from runbooks.domain.problems import Invalid, Problem
from runbooks.queries.audit import Filters, events


class AuditEvents(ApiView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Newest first. `object` is a bare id, `actor` a name; `from` and `to` are RFC 3339 times."""
        exact = {name: self.query(name) for name in ("object", "actor", "action", "outcome", "q")}
        filters = Filters(**exact, since=self._moment("from"), until=self._moment("to"))
        found = events(actor=self.actor, filters=filters, now=self.now)
        answer = self.listed(queryset=found, shape=AuditEventOut, key="seq")
        record_read(actor=self.actor, action="audit.read", thing=installation(), now=self.now)
        return answer

    def _moment(self, name: str) -> datetime | None:
        text = self.query(name)
        if not text:
            return None
        try:
            moment = parse_datetime(text.replace(" ", "+"))
            if moment and moment.tzinfo:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):  # no date, or one before the year 1 or after 9999 in UTC
            pass
        detail = "Give a time such as 2026-11-21T04:00:00Z."
        raise Invalid([Problem(f"/{name}", "invalid_time", detail)])
