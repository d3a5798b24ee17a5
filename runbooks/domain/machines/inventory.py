"""Lists of machines from files and scripts: YAML of ours, and the JSON that an inventory script of Ansible prints."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from runbooks.domain.machines.nodes import ATTRIBUTE_CHARACTERS, MOST_ATTRIBUTES, NodeSpec, clean_node
from runbooks.domain.names import repeated_names
from runbooks.domain.problems import Invalid, Problem, pointer_to

MOST_IN_A_LIST = 10_000
MOST_GROUPS = 10_000
MOST_AROUND = 200  # groups around one host
NO_TAGS = {"all", "ungrouped", "_meta"}
FIELD_OF = {
    "ansible_host": "host", "ansible_ssh_host": "host", "ansible_user": "user", "ansible_ssh_user": "user",
    "opsaas_zone": "zone", "opsaas_jump": "jump", "opsaas_host_keys": "host_keys",
}  # fmt: skip
PORTS = ("ansible_port", "ansible_ssh_port")
TELLING = ("pass", "secret", "token", "private", "credential", "api_key")  # what must not become an attribute

_PORT = re.compile(r"[0-9]{1,5}")
Json = Mapping[str, Any]


def read_inventory(data: object) -> list[NodeSpec]:
    """All machines in DATA, of either form. Raises Invalid with everything that is wrong."""
    if isinstance(data, Mapping) and not isinstance(data.get("nodes"), list):
        described, pointers = _from_ansible(data)
    else:
        listed = data["nodes"] if isinstance(data, Mapping) else data
        if not isinstance(listed, list):
            raise Invalid([Problem("", "wrong_type", "Give a list of nodes, or an inventory of Ansible.")])
        described, pointers = listed, [f"/nodes/{index}" for index in range(len(listed))]
    if len(described) > MOST_IN_A_LIST:
        raise Invalid([Problem("", "too_long", f"This may have at most {MOST_IN_A_LIST:,} nodes.")])
    return _cleaned(described, pointers)


def _cleaned(described: list[Any], pointers: list[str]) -> list[NodeSpec]:
    problems: list[Problem] = []
    specs: list[NodeSpec] = []
    for one, pointer in zip(described, pointers, strict=True):
        try:
            specs.append(clean_node(one, pointer=pointer))
        except Invalid as error:
            problems.extend(error.problems)
    names = [
        (f"{pointer}/name", one.get("name"))
        for one, pointer in zip(described, pointers, strict=True)
        if isinstance(one, Mapping)
    ]
    problems.extend(repeated_names(names))
    if problems:
        raise Invalid(problems)
    return specs


def _from_ansible(data: Json) -> tuple[list[Json], list[str]]:
    if len(data) > MOST_GROUPS:
        raise Invalid([Problem("", "too_long", f"This may have at most {MOST_GROUPS:,} groups.")])
    groups = {name: _group(name, value) for name, value in data.items() if name != "_meta"}
    meta = data.get("_meta", {})
    hostvars = meta.get("hostvars", {}) if isinstance(meta, Mapping) else None
    if not isinstance(hostvars, Mapping) or not all(isinstance(value, Mapping) for value in hostvars.values()):
        raise Invalid(
            [Problem("/_meta/hostvars", "wrong_type", "This must be an object of hosts and their variables.")]
        )
    hosts = dict.fromkeys([*hostvars, *(host for group in groups.values() for host in group["hosts"])])
    if len(hosts) > MOST_IN_A_LIST:
        raise Invalid([Problem("", "too_long", f"This may have at most {MOST_IN_A_LIST:,} nodes.")])
    above, holding = _held_by(groups, "children"), _held_by(groups, "hosts")
    described = []
    for host in hosts:
        inside = _lineage(holding.get(host, []), above)
        if len(inside) > MOST_AROUND:
            detail = f"A host may be in at most {MOST_AROUND} groups."
            raise Invalid([Problem(pointer_to("_meta", "hostvars", host), "too_long", detail)])
        variables: dict[str, Any] = {}
        for name in inside:
            variables |= groups[name]["vars"]
        tags = [name for name in inside if name not in NO_TAGS]
        described.append(_node(host, tags, {**variables, **hostvars.get(host, {})}))
    return described, [pointer_to("_meta", "hostvars", host) for host in hosts]


def _group(name: str, value: object) -> dict[str, Any]:
    """A group in its long form; a list alone is its hosts."""
    group = {"hosts": value} if isinstance(value, list) else value
    pointer = pointer_to(name)
    if not isinstance(group, Mapping):
        raise Invalid(
            [Problem(pointer, "wrong_type", "A group is a list of hosts, or an object with hosts and children.")]
        )
    hosts, children, variables = group.get("hosts", []), group.get("children", []), group.get("vars", {})
    for field, listed in (("hosts", hosts), ("children", children)):
        if not isinstance(listed, list | Mapping) or not all(isinstance(one, str) for one in listed):
            raise Invalid([Problem(f"{pointer}/{field}", "wrong_type", "This must be a list of names.")])
    if not isinstance(variables, Mapping):
        raise Invalid([Problem(f"{pointer}/vars", "wrong_type", "This must be an object of names and values.")])
    return {"hosts": list(hosts), "children": list(children), "vars": dict(variables)}


def _held_by(groups: Mapping[str, dict[str, Any]], what: str) -> dict[str, list[str]]:
    """The other way round: for each host, or for each child, the groups that list it."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for name, group in groups.items():
        for one in group[what]:
            found[one][name] = None
    return {one: list(names) for one, names in found.items()}


def _lineage(groups: list[str], above: Mapping[str, list[str]]) -> list[str]:
    """GROUPS and those above them, the highest first: what a nearer one says counts."""
    found: dict[str, None] = {}
    layer = sorted(groups)
    while layer:
        for name in layer:
            found.pop(name, None)
            found[name] = None
        layer = sorted({parent for name in layer for parent in above.get(name, ()) if parent not in found})
    return list(reversed(found))


def _node(host: str, tags: list[str], variables: Json) -> Json:
    fields: dict[str, Any] = {"name": host, "tags": tags, "attributes": dict(_attributes(variables))}
    for name, field in FIELD_OF.items():
        if name in variables:
            fields[field] = variables[name]
    for name in PORTS:
        if name in variables:
            port = variables[name]
            fields["port"] = int(port) if isinstance(port, str) and _PORT.fullmatch(port) else port
    return fields


def _attributes(variables: Json) -> Iterator[tuple[str, str]]:
    """Plain values only, and nothing that looks like a secret: attributes are for everybody who sees the node."""
    plain = [(name, value) for name, value in variables.items() if isinstance(value, str | int | float)]
    kept = 0
    for name, value in plain:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        hidden = name.startswith(("ansible_", "opsaas_")) or any(word in name.lower() for word in TELLING)
        if not hidden and len(text) <= ATTRIBUTE_CHARACTERS and kept < MOST_ATTRIBUTES:
            kept += 1
            yield name, text
