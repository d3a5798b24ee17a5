"""Many machines at once: all or none, by a person or from a source."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from runbooks.access.fetch import NotAllowed
from runbooks.domain.machines.inventory import read_inventory
from runbooks.domain.machines.inventory_sources import Source, sources_of
from runbooks.domain.problems import Invalid
from runbooks.execution.inventory_command import NoInventory, run_command
from runbooks.management.inventories import refresh_all
from runbooks.models import AuditEvent, Node
from runbooks.usecases.nodes.import_nodes import Imported, import_text
from runbooks.usecases.nodes.refresh import refresh
from tests.keys import KEY
from tests.world import World

YAML = f"""
- name: gate
- {{name: web1, host: 10.0.0.1, port: 2222, user: ops, tags: [web], attributes: {{env: production}}, jump: gate}}
- {{name: db1, tags: [db], host_keys: ["{KEY}"]}}
"""
ANSIBLE: dict[str, Any] = {
    "_meta": {
        "hostvars": {
            "web1": {"ansible_host": "10.0.0.1", "ansible_port": "2222", "env": "production", "db_password": "x"},
            "web2": {"ansible_user": "ops", "cores": 8, "disks": ["sda"], "ansible_become_pass": "x"},
        }
    },
    "all": {"children": ["web", "ungrouped"], "vars": {"dc": "ber", "env": "staging"}},
    "web": {"children": ["front"]},
    "front": {"hosts": ["web1", "web2"], "vars": {"tier": "1"}},
    "ungrouped": ["lone"],
}
SOURCE = Source("cloud", "payments", file="/hosts.json")


def imported(world: World, text: str, *, by: str = "owner") -> Imported:
    return import_text(actor=world.actor(by), project=world.project, text=text, now=timezone.now())


def taken(data: object) -> Imported | None:
    return refresh(source=SOURCE, read=lambda _: json.dumps(data).encode(), now=timezone.now())


def test_a_list_in_yaml_is_added_with_jump_hosts_and_keys(world: World) -> None:
    assert str(imported(world, YAML)) == "3 added, 0 changed, 0 unchanged."
    web = Node.objects.get(name="web1")
    assert (web.host, web.port, web.user, web.tags, web.attributes) == (
        "10.0.0.1",
        2222,
        "ops",
        ["web"],
        {"env": "production"},
    )
    assert web.jump == Node.objects.get(name="gate")
    assert Node.objects.get(name="db1").host_keys.get().state == "accepted"
    assert str(imported(world, YAML)) == "0 added, 0 changed, 3 unchanged."


def test_one_that_is_wrong_keeps_all_from_being_taken(world: World) -> None:
    with pytest.raises(Invalid) as refusal:
        imported(world, "- name: web1\n- {name: web2, port: 0}\n- name: web1\n")
    assert [problem.pointer for problem in refusal.value.problems] == ["/nodes/1/port", "/nodes/2/name"]
    with pytest.raises(Invalid):
        imported(world, "- name: web1\n- {name: web2, jump: nowhere}\n")
    assert not Node.objects.exists()
    assert not AuditEvent.objects.filter(action="node.created").exists()


def test_who_may_not_change_nodes_imports_none(world: World) -> None:
    with pytest.raises(NotAllowed):
        imported(world, YAML, by="author")


def test_an_inventory_of_ansible_becomes_nodes_tags_and_attributes() -> None:
    specs = {spec.name: spec for spec in read_inventory(ANSIBLE)}
    assert sorted(specs) == ["lone", "web1", "web2"]
    assert (specs["web1"].host, specs["web1"].port) == ("10.0.0.1", 2222)
    assert sorted(specs["web1"].tags) == ["front", "web"]
    assert specs["web1"].attributes == {"dc": "ber", "env": "production", "tier": "1"}
    assert (specs["web2"].user, specs["web2"].attributes["cores"], specs["web2"].attributes["env"]) == (
        "ops",
        "8",
        "staging",
    )
    assert "db_password" not in specs["web1"].attributes
    assert "disks" not in specs["web2"].attributes


@pytest.mark.parametrize(
    "data",
    [
        5,
        "x",
        {"web": 5},
        {"web": {"hosts": 5}},
        {"_meta": {"hostvars": []}},
        {"web": {"hosts": ["-bad"]}},
        {"nodes": 5},
    ],
)
def test_what_is_no_inventory_is_refused(data: object) -> None:
    with pytest.raises(Invalid):
        read_inventory(data)


MANY = 9_000


@pytest.mark.parametrize(
    "data",
    [
        {f"g{n}": {"hosts": [], "children": [f"g{n + 1}"]} for n in range(200_000)},
        {f"g{n}": [f"h{n}"] for n in range(MANY)} | {"_meta": {"hostvars": {f"v{n}": {} for n in range(MANY)}}},
        {f"g{n}": {"hosts": ["h"], "children": [f"g{n + 1}"]} for n in range(MANY)},
        {"_meta": {"hostvars": {"h": {"ansible_port": "9" * 5000}}}},
    ],
)
def test_a_source_that_means_harm_costs_no_more_than_it_is_long(data: object) -> None:
    """Each of these once took minutes or ended in an error that nobody had thought of."""
    with pytest.raises(Invalid):
        read_inventory(data)


def test_a_large_inventory_with_as_many_groups_as_hosts_is_read() -> None:
    groups = {f"g{n}": [f"h{n}", f"h{n + 1}"] for n in range(MANY)}
    specs = read_inventory(groups)
    assert (len(specs), specs[1].tags) == (MANY + 1, ("g1", "g0"))


def test_groups_in_a_circle_end() -> None:
    data = {"a": {"hosts": ["h"], "children": ["b"]}, "b": {"children": ["a"]}}
    assert sorted(read_inventory(data)[0].tags) == ["a", "b"]


def test_a_source_archives_what_it_no_longer_names_and_brings_it_back(world: World) -> None:
    assert str(taken(ANSIBLE)) == "3 added, 0 changed, 0 unchanged."
    less = {"_meta": {"hostvars": {"web1": ANSIBLE["_meta"]["hostvars"]["web1"]}}, "front": ["web1"]}
    done = taken(less)
    assert done is not None
    assert done.archived == ["lone", "web2"]
    assert Node.objects.get(name="web2").archived_at
    taken(ANSIBLE)
    assert Node.objects.get(name="web2").archived_at is None


def test_a_broken_source_changes_nothing_and_says_so_once(world: World) -> None:
    taken(ANSIBLE)
    for broken in ({**ANSIBLE, "front": {"hosts": ["-bad"]}}, {}, {"web": 5}):
        assert taken(broken) is None
        assert taken(broken) is None
    assert Node.objects.filter(archived_at=None).count() == 3
    events = AuditEvent.objects.filter(action="inventory.refreshed")
    assert [event.outcome for event in events.order_by("id")] == ["done", "failed", "failed", "failed"]
    taken(ANSIBLE)
    assert events.order_by("-id")[0].outcome == "done"


def test_a_source_that_is_nested_without_end_changes_nothing(world: World) -> None:
    assert refresh(source=SOURCE, read=lambda _: b"[" * 10**6, now=timezone.now()) is None
    assert AuditEvent.objects.filter(action="inventory.refreshed", outcome="failed").count() == 1


def test_a_source_takes_over_no_node_of_a_person(world: World) -> None:
    imported(world, "- name: web1\n")
    assert taken(ANSIBLE) is None
    assert Node.objects.get().source == ""


def test_what_a_source_says_of_keys_is_only_seen(world: World) -> None:
    taken({"_meta": {"hostvars": {"web1": {"opsaas_host_keys": [KEY]}}}})
    assert Node.objects.get().host_keys.get().state == "seen"


def test_the_scheduler_reads_files_and_scripts(world: World, tmp_path: Path, settings: Any) -> None:
    script = tmp_path / "inventory"
    script.write_text(f"#!/bin/sh\nenv >&2\ntest -z \"$OPSAAS_SECRET_KEY\" || exit 3\necho '{json.dumps(ANSIBLE)}'\n")
    script.chmod(0o755)
    (tmp_path / "hosts.yaml").write_text("- name: shared1\n")
    listing = tmp_path / "inventories.yaml"
    listing.write_text(
        "sources:\n"
        f"- {{name: broken, command: [/nowhere]}}\n- {{name: cmdb, project: payments, command: ['{script}']}}\n"
        f"- {{name: files, file: '{tmp_path}/hosts.yaml'}}\n"
    )
    settings.OPSAAS_INVENTORIES = str(listing)
    refresh_all()
    assert {node.path for node in Node.objects.all()} == {"payments/web1", "payments/web2", "payments/lone", "shared1"}


def test_a_script_that_takes_long_is_ended_with_its_children() -> None:
    with pytest.raises(NoInventory, match="longer"):
        run_command(["sh", "-c", "sleep 300 & wait"], seconds=0.2)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"sources": [{"name": "a"}]},
        {"sources": [{"name": "a", "file": "x", "command": ["y"]}]},
        {"sources": [{"name": "A", "file": "x"}]},
        {"sources": [{"name": "a", "command": "sh -c x"}]},
        {"sources": [{"name": "a", "file": "x"}, {"name": "a", "file": "y"}]},
        {"sources": [{"name": "a", "file": "x", "shell": True}]},
    ],
)
def test_a_list_of_sources_that_makes_no_sense_is_refused(data: object) -> None:
    with pytest.raises(Invalid):
        sources_of(data)
