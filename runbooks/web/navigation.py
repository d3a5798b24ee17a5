"""The main navigation: every page belongs to one entry."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Entry:
    url_name: str
    label: str | Promise
    sections: frozenset[str]  # first parts of the addresses that belong here
    right: str = ""  # without it anywhere, the page has nothing to show


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    current: bool
    waiting: int = 0  # for this very person


ENTRIES = (
    Entry("catalog", _("Catalog"), frozenset({"", "runbooks", "projects"})),
    Entry("runs", _("Runs"), frozenset({"runs"})),
    Entry("nodes", _("Nodes"), frozenset({"nodes"})),
    Entry("secrets", _("Secrets"), frozenset({"secrets"})),
    Entry("reviews", _("Reviews"), frozenset({"reviews"})),
    Entry("approvals", _("Approvals"), frozenset({"approvals"})),
    Entry("guardrails", _("Guardrails"), frozenset({"guardrails"})),
    Entry("access", _("Access"), frozenset({"access", "grants", "groups", "people", "notifications"})),
    Entry("audit", _("Audit"), frozenset({"audit"}), right="audit"),
    Entry("admin", _("Admin"), frozenset({"admin"}), right="administer"),
)


def links(path: str, *, held: Collection[str], waiting: Mapping[str, int] | None = None) -> Iterator[Link]:
    """The entries whose pages are routed, in order, the one that holds `path` marked. HELD: one's rights, anywhere.
    WAITING: how much waits for one, by entry."""
    section = path.strip("/").split("/", 1)[0]
    for entry in ENTRIES:
        if entry.right and entry.right not in held:
            continue
        try:
            url = reverse(entry.url_name)
        except NoReverseMatch:
            continue
        count = (waiting or {}).get(entry.url_name, 0)
        yield Link(label=str(entry.label), url=url, current=section in entry.sections, waiting=count)
