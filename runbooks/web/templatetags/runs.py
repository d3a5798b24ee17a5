"""Tags for runs and what goes into them. `{% load runs %}`."""

from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runbooks.models import Run, Runbook
from runbooks.web.summary import purpose as purpose_of

register = template.Library()

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


@register.filter
def trigger(run: Run) -> str:
    """By which way a run was asked for."""
    return str(TRIGGERS.get(run.trigger, run.trigger))


@register.simple_tag
def risk(level: str) -> SafeString:
    return format_html('<span class="tag tag-{}">{}</span>', str(level), RISKS[level])


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
    shown = {True: "true", False: "false"}[given] if isinstance(given, bool) else str(given)
    return format_html('<code class="value">{}</code>', shown)


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
