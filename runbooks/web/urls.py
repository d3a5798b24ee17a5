"""The pages. Every route here has to be in tests/test_permission_matrix.py."""

from django.urls import URLPattern

BOOK = "runbooks/<slug:project>/<slug:slug>"
VERSION = f"{BOOK}/versions/<int:number>"
RUN = "runs/<str:run_id>"

# For runners: catalog, runbook, run_form, run_preview, runs, run, run_cancel, run_rerun, palette.
RUNNERS: list[URLPattern] = []

# For authors and owners: editor, version, diff and what is done with them.
AUTHORS: list[URLPattern] = []

# For owners, auditors and administrators: access, audit, admin, me.
KEEPERS: list[URLPattern] = []

urlpatterns = [*RUNNERS, *AUTHORS, *KEEPERS]
