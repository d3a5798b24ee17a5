"""What every page knows."""

from django.http import HttpRequest

from runbooks.version import VERSION


def everywhere(request: HttpRequest) -> dict[str, object]:
    return {"opsaas_version": VERSION}
