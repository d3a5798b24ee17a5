"""Which addresses there are."""

from django.urls import include, path, re_path

from opsaas import errors
from runbooks.web.views import health, schema

# What allauth would offer besides signing in and out: accounts are made by administrators, and so are first passwords.
NOT_OFFERED = "signup|email|confirm-email|password/set|password/reset|login/code"

urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("schemas/runbook/v1.json", schema.runbook_v1),
    path("api/v1/", include("runbooks.api.urls")),
    re_path(f"^accounts/({NOT_OFFERED})", errors.not_offered),
    path("accounts/", include("allauth.urls")),
    path("", include("runbooks.web.urls")),
]
handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken
