"""Tags for runs and what goes into them. `{% load runs %}`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django import template
from django.template.defaultfilters import filesizeformat
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runbooks.domain.containment import as_json
from runbooks.domain.definition import Definition
from runbooks.domain.files import is_reference
from runbooks.models import Run, Runbook
from runbooks.usecases.runs.start import demanded
from runbooks.web.summary import purpose as purpose_of

register = template.Library()

_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")

TRIGGERS: dict[str, str | Promise] = {
    "ui": gettext_lazy("in the browser"),
    "api": gettext_lazy("by API"),
    "cli": gettext_lazy("from the command line"),
    "agent": gettext_lazy("by an agent"),
    "schedule": gettext_lazy("by schedule"),
    "webhook": gettext_lazy("by webhook"),
    "runbook": gettext_lazy("by another runbook"),
}
RISKS: dict[str, str | Promise] = {
    "low": gettext_lazy("Low risk"),
    "medium": gettext_lazy("Medium risk"),
    "high": gettext_lazy("High risk"),
}

LIMITS: dict[str, str | Promise] = {
    "memory_bytes": gettext_lazy("memory up to %s"),
    "cpu_seconds": gettext_lazy("processor time up to %s s"),
    "processes": gettext_lazy("up to %s processes"),
    "open_files": gettext_lazy("up to %s open files"),
    "file_bytes": gettext_lazy("files up to %s"),
}


@register.filter
def trigger(run: Run) -> str:
    """By which way a run was asked for."""
    return str(TRIGGERS.get(run.trigger, run.trigger))


@register.simple_tag
def risk(level: str) -> SafeString:
    return format_html('<span class="tag tag-{}">{}</span>', str(level), RISKS[level])


@register.inclusion_tag("web/parts/containment.html")
def containment(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What a script is kept within, in words; the level host as the risk that it is."""
    return {"kept": kept, "limits": list(_limits(kept))}


@register.inclusion_tag("web/parts/containment.html")
def contained(definition: Definition) -> dict[str, Any]:
    """The same, of what a definition asks for and the installation demands."""
    return containment(as_json(demanded(definition)))


def _limits(kept: Mapping[str, Any]) -> Iterator[str]:
    for name, sentence in LIMITS.items():
        if (most := kept.get(name)) is not None:
            yield str(sentence) % (filesizeformat(most) if name.endswith("_bytes") else most)


@register.filter
def address(runbook: Runbook) -> str:
    """The runbook's page."""
    return reverse("runbook", args=[runbook.project.slug, runbook.slug])


@register.filter
def value(given: Any) -> SafeString:
    """A parameter's value as it is passed: line breaks and spaces kept, nothing interpreted."""
    if given == "":
        return format_html('<span class="soft">{}</span>', _("(empty)"))
    if given is None:
        return format_html('<span class="soft">{}</span>', _("(none)"))
    if isinstance(given, dict) and is_reference(given):
        size, digest = filesizeformat(given["size"]), given["sha256"]
        return format_html(
            '<code class="value" title="SHA-256 {}">{}</code> <span class="soft">{}</span>', digest, given["name"], size
        )
    if given == []:
        return format_html('<span class="soft">{}</span>', _("(none of them)"))
    if isinstance(given, list):
        return format_html_join(" ", "{}", ((value(one),) for one in given))
    shown = {True: "true", False: "false"}[given] if isinstance(given, bool) else str(given)
    return format_html('<code class="value">{}</code>', shown)


@register.filter
def inert(name: str) -> str:
    """A name of a script's making: what could hide or turn text around is shown as an escape."""
    return _UNFIT.sub(lambda found: f"\\u{ord(found.group()):04x}", name)


@register.filter
def command(interpreter: tuple[str, ...] | None) -> str:
    """What starts a step's script."""
    return " ".join(interpreter) if interpreter else _("the script's own #! line")


@register.simple_tag
def page_link(name: str, *args: object) -> str:
    """The address of a page that may not be there, or ""."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@register.simple_tag
def purpose(document: str) -> str:
    """What a runbook is for, in a sentence of its own document."""
    return purpose_of(document)
