"""What a machine of the inventory is, and the one check of what people, files and programs say of one."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runbooks.domain.names import SLUG
from runbooks.domain.problems import Invalid, Problem, pointer_to
from runbooks.domain.syntax.json_tree import check_text

DEFAULT_PORT = 22
DEFAULT_USER = "opsaas"
MOST_TAGS = 50
MOST_ATTRIBUTES = 100
MOST_KEYS = 10
ATTRIBUTE_CHARACTERS = 1000

NODE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9.:_%-]{0,254}")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,63}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/=@+-]{0,99}")
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) ([A-Za-z0-9+/]{20,4000}={0,2})")

RULES = {
    "name": (NODE_NAME, "letters, digits, dots, hyphens and underscores, beginning with a letter or digit"),
    "host": (_HOST, "a DNS name or an address"),
    "user": (_USER, "the name of an account: letters, digits, dots, hyphens and underscores"),
}


@dataclass(frozen=True)
class NodeSpec:
    """One machine, as somebody describes it."""

    name: str
    host: str
    port: int = DEFAULT_PORT
    user: str = DEFAULT_USER
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""
    jump: str = ""  # name of the node to go through, in the same project or shared
    host_keys: tuple[str, ...] = ()  # that are known to be its own

    @property
    def stored(self) -> dict[str, Any]:
        """The columns; jump and keys are rows of their own."""
        return {
            "host": self.host, "port": self.port, "user": self.user, "tags": list(self.tags),
            "attributes": dict(self.attributes), "zone": self.zone,
        }  # fmt: skip


FIELDS = tuple(NodeSpec.__dataclass_fields__)


def clean_node(given: object, *, pointer: str = "") -> NodeSpec:
    """Raises Invalid with all that is wrong. Without a host the name is the host."""
    if not isinstance(given, Mapping):
        raise Invalid([Problem(pointer, "wrong_type", "A node is an object of fields such as name and host.")])
    fields = {"host": given.get("name"), **given}
    if problems := list(_problems(fields, pointer)):
        raise Invalid(problems)
    keys = tuple(clean_host_key(key) for key in fields.pop("host_keys", ()))
    tags = tuple(dict.fromkeys(fields.pop("tags", ())))
    return NodeSpec(**fields, tags=tags, host_keys=keys)


def clean_host_key(text: str, *, pointer: str = "/key") -> str:
    """The key in its one form, without host names and comment. Raises Invalid."""
    marked = text.lstrip().startswith("@")  # "@revoked", "@cert-authority": no key that a machine is known by
    found = _KEY.search(text) if len(text) < 20_000 and not marked else None
    if found:
        kind, blob = found.groups()
        try:
            if base64.b64decode(blob, validate=True)[4 : 4 + len(kind)] == kind.encode():
                return f"{kind} {blob}"
        except binascii.Error:
            pass
    detail = "Give a public host key as known_hosts has it: “ssh-ed25519 AAAA…”."
    raise Invalid([Problem(pointer, "invalid_host_key", detail)])


def _problems(fields: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
    for name in fields:
        if name not in FIELDS:
            yield Problem(pointer + pointer_to(str(name)), "unknown_field", f"There are {', '.join(FIELDS)}.")
    for name, (pattern, rule) in RULES.items():
        value = fields.get(name, DEFAULT_USER if name == "user" else None)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            yield Problem(f"{pointer}/{name}", "bad_format", f"This must be {rule}.")
    port = fields.get("port", DEFAULT_PORT)
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        yield Problem(f"{pointer}/port", "out_of_range", "A port is a whole number from 1 to 65535.")
    zone = fields.get("zone", "")
    if not isinstance(zone, str) or (zone and not SLUG.fullmatch(zone)):
        yield Problem(f"{pointer}/zone", "invalid_slug", "A zone is lower-case letters, digits and hyphens.")
    jump = fields.get("jump", "")
    if not isinstance(jump, str) or (jump and not NODE_NAME.fullmatch(jump)):
        yield Problem(f"{pointer}/jump", "bad_format", "This must be the name of a node.")
    yield from _tag_problems(fields.get("tags", []), pointer)
    yield from _attribute_problems(fields.get("attributes", {}), pointer)
    yield from _key_problems(fields.get("host_keys", []), pointer)


def _tag_problems(tags: object, pointer: str) -> Iterator[Problem]:
    rule = "A tag is up to 100 letters, digits and any of _ . : / = @ + -."
    yield from _each(tags, f"{pointer}/tags", MOST_TAGS, lambda tag: bool(_TAG.fullmatch(tag)), rule)


def _key_problems(keys: object, pointer: str) -> Iterator[Problem]:
    def sound(key: str) -> bool:
        try:
            return bool(clean_host_key(key))
        except Invalid:
            return False

    rule = "Give a public host key as known_hosts has it: “ssh-ed25519 AAAA…”."
    yield from _each(keys, f"{pointer}/host_keys", MOST_KEYS, sound, rule)


def _each(given: object, pointer: str, most: int, sound: Callable[[str], bool], rule: str) -> Iterator[Problem]:
    if not isinstance(given, list | tuple) or len(given) > most:
        yield Problem(pointer, "wrong_type", f"This must be a list of at most {most} texts.")
        return
    for index, one in enumerate(given):
        if not isinstance(one, str) or not sound(one):
            yield Problem(f"{pointer}/{index}", "bad_format", rule)


def _attribute_problems(attributes: object, pointer: str) -> Iterator[Problem]:
    place = f"{pointer}/attributes"
    if not isinstance(attributes, Mapping) or len(attributes) > MOST_ATTRIBUTES:
        yield Problem(place, "wrong_type", f"This must be an object of at most {MOST_ATTRIBUTES} names and texts.")
        return
    for name, value in attributes.items():
        here = place + pointer_to(str(name))
        if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name):
            yield Problem(here, "bad_format", "A name is letters, digits, dots, hyphens and underscores.")
        elif not isinstance(value, str):
            yield Problem(here, "wrong_type", "The value of an attribute is a text: put numbers in quotes.")
        elif len(value) > ATTRIBUTE_CHARACTERS:
            yield Problem(here, "too_long", f"This may have at most {ATTRIBUTE_CHARACTERS:,} characters.")
        else:
            yield from check_text(value, pointer=here)
