"""Runbooks and their versions."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access import fetch
from runbooks.access.rights import rights_on
from runbooks.api.base import ApiView
from runbooks.api.parsers import StrictJSONParser, StrictYAMLParser
from runbooks.api.shapes import Nothing, ReviewIn, RunbookOut, VersionOut
from runbooks.models import Runbook, Version
from runbooks.queries.runbooks import runbooks
from runbooks.queries.versions import diff, shown_version
from runbooks.usecases.versions.draft import data_of, draft
from runbooks.usecases.versions.publish import publish
from runbooks.usecases.versions.review import review
from runbooks.usecases.versions.submit import submit
from runbooks.usecases.versions.withdraw import withdraw


class Runbooks(ApiView):
    @extend_schema(responses=RunbookOut(many=True))
    def get(self, request: Request) -> Response:
        filters = {name: self.query(name) for name in ("q", "project", "tag", "alert")}
        return self.listed(queryset=runbooks(actor=self.actor, now=self.now, **filters), shape=RunbookOut)


class RunbookDetail(ApiView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, project: str, slug: str) -> Response:
        """With the definition of the published version; before there is one, of the newest."""
        found = fetch.runbook(actor=self.actor, project=project, slug=slug, now=self.now)
        return Response(self._as_json(found))

    def _as_json(self, runbook: Runbook) -> dict[str, Any]:
        version = shown_version(runbook)
        definition: dict[str, Any] = data_of(version) if version else {}
        return {
            **RunbookOut(runbook).data,
            "doc": definition.get("doc", ""),
            "parameters": definition.get("spec", {}).get("parameters", []),
            "definition": definition,
            "version": VersionOut(version).data if version else None,
            "rights": sorted(rights_on(actor=self.actor, place=runbook, now=self.now)),
        }


class Draft(ApiView):
    parser_classes = [StrictJSONParser, StrictYAMLParser]

    @extend_schema(request=OpenApiTypes.OBJECT, responses={200: VersionOut, 201: VersionOut})
    def put(self, request: Request, project: str, slug: str) -> Response:
        """201 with a new version, 200 with the existing one where the content is identical."""
        version, new = draft(actor=self.actor, project=project, slug=slug, data=self.request.data, now=self.now)
        address = f"/api/v1/runbooks/{project}/{slug}/versions/{version.number}"
        return Response(VersionOut(version).data, status=201 if new else 200, headers={"Location": address})


class Versions(ApiView):
    @extend_schema(responses=VersionOut(many=True))
    def get(self, request: Request, project: str, slug: str) -> Response:
        found = fetch.runbook(actor=self.actor, project=project, slug=slug, now=self.now)
        versions = Version.objects.filter(runbook=found).select_related("runbook__project")
        return self.listed(queryset=versions.prefetch_related("reviews__by"), shape=VersionOut, key="number")


class OneVersion(ApiView):
    action = "version.read"

    def version(self) -> Version:
        return fetch.version(actor=self.actor, action=self.action, now=self.now, **self.kwargs)

    def answered(self, version: Version) -> Response:
        return Response(VersionOut(version).data)


class VersionDetail(OneVersion):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, **_address: object) -> Response:
        version = self.version()
        return Response({**VersionOut(version).data, "definition": data_of(version)})


class Submit(OneVersion):
    action = "version.submitted"

    @extend_schema(request=Nothing, responses=VersionOut)
    def post(self, request: Request, **_address: object) -> Response:
        version = self.version()
        self.asked(Nothing)
        submit(actor=self.actor, version=version, now=self.now)
        return self.answered(version)


class Withdraw(OneVersion):
    action = "version.withdrawn"

    @extend_schema(request=Nothing, responses=VersionOut)
    def post(self, request: Request, **_address: object) -> Response:
        version = self.version()
        self.asked(Nothing)
        withdraw(actor=self.actor, version=version, now=self.now)
        return self.answered(version)


class Review(OneVersion):
    action = "version.reviewed"

    @extend_schema(request=ReviewIn, responses=VersionOut)
    def post(self, request: Request, **_address: object) -> Response:
        """Names the hash that was read: another one is 409."""
        version, asked = self.version(), self.asked(ReviewIn)
        review(
            actor=self.actor,
            version=version,
            verdict=asked["verdict"],
            comment=asked["comment"],
            digest=asked["hash"],
            now=self.now,
        )
        return self.answered(version)


class Publish(OneVersion):
    action = "version.published"

    @extend_schema(request=Nothing, responses=VersionOut)
    def post(self, request: Request, **_address: object) -> Response:
        version = self.version()
        self.asked(Nothing)
        publish(actor=self.actor, version=version, now=self.now)
        return self.answered(version)


class Diff(ApiView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, project: str, slug: str, a: int, b: int) -> Response:
        """A unified diff of the two definitions as YAML."""
        old, new = (
            fetch.version(actor=self.actor, project=project, slug=slug, number=number, now=self.now)
            for number in (a, b)
        )
        return Response({"from": old.number, "to": new.number, "diff": diff(old=old, new=new)})
