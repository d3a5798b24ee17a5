from django.http import HttpRequest, HttpResponse, JsonResponse

from runbooks.domain.schema.whole import RUNBOOK_SCHEMA


def runbook_v1(request: HttpRequest) -> HttpResponse:
    """The published JSON Schema of a definition: editors fetch it without signing in."""
    return JsonResponse(RUNBOOK_SCHEMA)
