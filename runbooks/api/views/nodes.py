"""The inventory: machines, and the host keys by which they are known."""

import re

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access import fetch
from runbooks.api.base import ApiView
from runbooks.api.idempotency import remembered
from runbooks.api.node_shapes import HostKeyIn, HostKeyOut, MaintenanceIn, NodeChangeIn, NodeIn, NodeOut, NodesImportIn
from runbooks.api.parsers import StrictJSONParser, StrictYAMLParser
from runbooks.api.shapes import Nothing
from runbooks.domain.machines.nodes import clean_node
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import HostKey, Node
from runbooks.queries.nodes import host_key, nodes
from runbooks.usecases.nodes.credentials import credentials, taken_apart
from runbooks.usecases.nodes.host_keys import accept, pin, reject
from runbooks.usecases.nodes.import_nodes import import_data
from runbooks.usecases.nodes.look_at_key import ACTION, ask
from runbooks.usecases.nodes.maintenance import end_maintenance, set_maintenance
from runbooks.usecases.nodes.write import add_node, change_node


class NodeView(ApiView):
    action = "node.read"

    def node(self) -> Node:
        return fetch.node(actor=self.actor, node_id=self.kwargs["id"], action=self.action, now=self.now)

    def answered(self, node: Node, *, status: int = 200) -> Response:
        headers = {"ETag": f'"{node.revision}"', "Location": f"/api/v1/nodes/{node.pk}"}
        return Response(NodeOut(node).data, status=status, headers=headers)

    def read_revision(self) -> int | None:
        """The one that the client has read and changes."""
        given = self.request.headers.get("If-Match", "").strip()
        if given in {"", "*"}:
            return None
        if found := re.fullmatch(r'"([0-9]{1,9})"', given):
            return int(found[1])
        raise Invalid([Problem("", "invalid_if_match", "If-Match is the ETag of the node as you read it.")])


class Nodes(NodeView):
    @extend_schema(responses=NodeOut(many=True))
    def get(self, request: Request) -> Response:
        """`q` is a query of tags (`role=worker !drained`) or a condition in CEL; `archived=1` lists those instead."""
        filters = {name: self.query(name) for name in ("q", "project")}
        archived = self.query("archived") in {"1", "true"}
        found = nodes(actor=self.actor, archived=archived, now=self.now, **filters)
        return self.listed(queryset=found, shape=NodeOut)

    @extend_schema(request=NodeIn, responses={201: NodeOut})
    @remembered
    def post(self, request: Request) -> Response:
        """Without a project the node is shared, and usable by the right `use` alone."""
        asked = self.asked(NodeIn)
        slug = asked.pop("project")
        secrets = credentials(actor=self.actor, project=slug, given=taken_apart(asked), now=self.now)
        project = fetch.project(actor=self.actor, slug=slug, action="node.created", now=self.now) if slug else None
        made = add_node(actor=self.actor, project=project, spec=clean_node(asked), secrets=secrets, now=self.now)
        return self.answered(made, status=201)


class NodesImport(NodeView):
    parser_classes = [StrictJSONParser, StrictYAMLParser]

    @extend_schema(request=NodesImportIn, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """All of them or none: `nodes` is a list as POST /nodes takes one, `ansible` an inventory of Ansible's."""
        asked = self.asked(NodesImportIn)
        slug, action = asked["project"], "inventory.imported"
        project = fetch.project(actor=self.actor, slug=slug, action=action, now=self.now) if slug else None
        data = asked.get("ansible", asked.get("nodes"))
        done = import_data(actor=self.actor, project=project, data=data, now=self.now)
        return Response({"added": done.added, "changed": done.changed, "unchanged": done.unchanged})


class NodeDetail(NodeView):
    @extend_schema(responses=NodeOut)
    def get(self, request: Request, id: str) -> Response:
        return self.answered(self.node())

    @extend_schema(request=NodeChangeIn, responses=NodeOut)
    def patch(self, request: Request, id: str) -> Response:
        """With `If-Match` only if it is as it was read, else 412."""
        self.action = "node.changed"
        node, changes = self.node(), self.asked(NodeChangeIn)
        slug, given = node.project.slug if node.project else "", taken_apart(changes)
        secrets = credentials(actor=self.actor, project=slug, given=given, now=self.now)
        read = self.read_revision()
        changed = change_node(
            actor=self.actor, node=node, changes=changes, secrets=secrets, revision=read, now=self.now
        )
        return self.answered(changed)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Archives it; a PATCH of `archived` brings it back."""
        self.action = "node.changed"
        node = self.node()
        changes = {"archived": True}
        change_node(actor=self.actor, node=node, changes=changes, revision=self.read_revision(), now=self.now)
        return Response(status=204)


class Maintenance(NodeView):
    @extend_schema(request=MaintenanceIn, responses=NodeOut)
    def put(self, request: Request, id: str) -> Response:
        """No run goes there meanwhile. Without `starts_at` from now on, without `ends_at` until somebody ends it."""
        self.action = "node.maintenance_set"
        node = self.node()
        set_maintenance(actor=self.actor, node=node, now=self.now, **self.asked(MaintenanceIn))
        return self.answered(node)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        self.action = "node.maintenance_ended"
        end_maintenance(actor=self.actor, node=self.node(), now=self.now)
        return Response(status=204)


class HostKeys(NodeView):
    @extend_schema(responses=HostKeyOut(many=True))
    def get(self, request: Request, id: str) -> Response:
        self.action = "host_key.read"
        keys = self.node().host_keys.select_related("decided_by")
        return Response({"results": HostKeyOut(keys, many=True).data, "next": None})

    @extend_schema(request=HostKeyIn, responses={201: HostKeyOut})
    @remembered
    def post(self, request: Request, id: str) -> Response:
        """Pins a key that is known from elsewhere."""
        self.action = "host_key.accepted"
        node, asked = self.node(), self.asked(HostKeyIn)
        made = pin(actor=self.actor, node=node, text=asked["key"], now=self.now)
        return Response(HostKeyOut(made).data, status=201)


class LookAtHostKey(NodeView):
    action = ACTION

    @extend_schema(request=Nothing, responses={202: NodeOut})
    def post(self, request: Request, id: str) -> Response:
        """A worker goes to see which key the machine shows. Then it is among the node's keys, and the node's
        `key_found` says what came of it; its `key_looked_at` is later than its `key_asked_at` from then on."""
        node = self.node()
        self.asked(Nothing)
        ask(actor=self.actor, node=node, now=self.now)
        return self.answered(node, status=202)


class OneHostKey(NodeView):
    def key(self) -> HostKey:
        node = self.node()
        self.asked(Nothing)
        return host_key(node=node, key_id=self.kwargs["key"], action=self.action)


class AcceptHostKey(OneHostKey):
    action = "host_key.accepted"

    @extend_schema(request=Nothing, responses=HostKeyOut)
    def post(self, request: Request, id: str, key: str) -> Response:
        found = self.key()
        accept(actor=self.actor, key=found, now=self.now)
        return Response(HostKeyOut(found).data)


class RejectHostKey(OneHostKey):
    action = "host_key.rejected"

    @extend_schema(request=Nothing, responses=HostKeyOut)
    def post(self, request: Request, id: str, key: str) -> Response:
        found = self.key()
        reject(actor=self.actor, key=found, now=self.now)
        return Response(HostKeyOut(found).data)
