"""The REST API, version 1. Every route here has to be in tests/test_permission_matrix.py."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from runbooks.api import openapi  # noqa: F401  (registers what it defines)
from runbooks.api.views import (
    audit,
    evidence,
    grants,
    kept,
    me,
    nodes,
    people,
    projects,
    runbooks,
    runs,
    secrets,
    unknown,
)

BOOK = "runbooks/<slug:project>/<slug:slug>"
VERSION = f"{BOOK}/versions/<int:number>"
RUN = "runs/<str:id>"

urlpatterns = [
    path("me", me.Me.as_view()),
    path("authz/check", me.AuthzCheck.as_view()),
    path("projects", projects.Projects.as_view()),
    path("projects/<slug:slug>", projects.ProjectDetail.as_view()),
    path("users", people.Users.as_view()),
    path("users/<str:name>", people.UserDetail.as_view()),
    path("service-accounts", people.ServiceAccounts.as_view()),
    path("groups", people.Groups.as_view()),
    path("groups/<slug:slug>", people.GroupDetail.as_view()),
    path("groups/<slug:slug>/members", people.Members.as_view()),
    path("groups/<slug:slug>/members/<str:name>", people.MemberDetail.as_view()),
    path("tokens", people.Tokens.as_view()),
    path("tokens/<str:id>", people.TokenDetail.as_view()),
    path("grants", grants.Grants.as_view()),
    path("grants/<str:id>", grants.GrantDetail.as_view()),
    path("nodes", nodes.Nodes.as_view()),
    path("nodes/import", nodes.NodesImport.as_view()),
    path("nodes/<str:id>", nodes.NodeDetail.as_view()),
    path("nodes/<str:id>/host-keys", nodes.HostKeys.as_view()),
    path("nodes/<str:id>/host-keys/look", nodes.LookAtHostKey.as_view()),
    path("nodes/<str:id>/host-keys/<str:key>/accept", nodes.AcceptHostKey.as_view()),
    path("nodes/<str:id>/host-keys/<str:key>/reject", nodes.RejectHostKey.as_view()),
    path("secrets", secrets.Secrets.as_view()),
    path("secrets/<slug:project>/<slug:slug>", secrets.SecretDetail.as_view()),
    path("runbooks", runbooks.Runbooks.as_view()),
    path(BOOK, runbooks.RunbookDetail.as_view()),
    path(f"{BOOK}/draft", runbooks.Draft.as_view()),
    path(f"{BOOK}/versions", runbooks.Versions.as_view()),
    path(VERSION, runbooks.VersionDetail.as_view()),
    path(f"{VERSION}/submit", runbooks.Submit.as_view()),
    path(f"{VERSION}/withdraw", runbooks.Withdraw.as_view()),
    path(f"{VERSION}/review", runbooks.Review.as_view()),
    path(f"{VERSION}/publish", runbooks.Publish.as_view()),
    path(f"{BOOK}/versions/<int:a>/diff/<int:b>", runbooks.Diff.as_view()),
    path("runs", runs.Runs.as_view()),
    path(RUN, runs.RunDetail.as_view()),
    path(f"{RUN}/steps", runs.Steps.as_view()),
    path(f"{RUN}/log", runs.Log.as_view()),
    path(f"{RUN}/artifacts", kept.Artifacts.as_view()),
    path(f"{RUN}/artifacts/<str:artifact>", kept.ArtifactDetail.as_view()),
    path(f"{RUN}/evidence", evidence.Evidence.as_view()),
    path(f"{RUN}/notes", kept.Notes.as_view()),
    path(f"{RUN}/cancel", runs.Cancel.as_view()),
    path(f"{RUN}/steps/<str:step>/complete", runs.CompleteStep.as_view()),
    path(f"{RUN}/rerun", runs.Rerun.as_view()),
    path(f"{RUN}/resume", runs.Resume.as_view()),
    path("audit/events", audit.AuditEvents.as_view()),
    path("schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("<path:rest>", unknown.Unknown.as_view()),
]
