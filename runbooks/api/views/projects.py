from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access import fetch
from runbooks.api.base import ApiView
from runbooks.api.idempotency import remembered
from runbooks.api.shapes import ProjectIn, ProjectOut
from runbooks.queries.projects import projects
from runbooks.usecases.projects.create import create_project


class Projects(ApiView):
    @extend_schema(responses=ProjectOut(many=True))
    def get(self, request: Request) -> Response:
        return self.listed(queryset=projects(actor=self.actor, now=self.now), shape=ProjectOut)

    @extend_schema(request=ProjectIn, responses={201: ProjectOut})
    @remembered
    def post(self, request: Request) -> Response:
        made = create_project(actor=self.actor, now=self.now, **self.asked(ProjectIn))
        return Response(ProjectOut(made).data, status=201, headers={"Location": f"/api/v1/projects/{made.slug}"})


class ProjectDetail(ApiView):
    @extend_schema(responses=ProjectOut)
    def get(self, request: Request, slug: str) -> Response:
        return Response(ProjectOut(fetch.project(actor=self.actor, slug=slug, now=self.now)).data)
