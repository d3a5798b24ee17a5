"""Tags of the one visual language. `{% load ui %}`."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django import template
from django.http import QueryDict
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString, mark_safe

from runbooks.access.rights import rights_anywhere
from runbooks.models import HostKey
from runbooks.queries.approvals import count_waiting_for
from runbooks.queries.guardrails import count_to_close
from runbooks.web import durations, navigation
from runbooks.web import markdown as markdown_text
from runbooks.web.actor import actor_of
from runbooks.web.texts import TEXTS
from runbooks.web.vocabulary import WORDS

register = template.Library()
NOTHING = "\u2013"
MOST_COUNTED = 20  # of what waits for somebody, on every page


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of assets/icons.json. Decoration by default; with a label it speaks for itself."""
    accessible = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="icon" {}><use href="{}#{}"></use></svg>', accessible, static("opsaas/icons.svg"), name
    )


@register.simple_tag
def status(value: str, size: str = "") -> SafeString:
    """The badge of a status of a run, a step run or a version. Size: "", "large" or "bare" (no background)."""
    word = WORDS[value]
    classes = f"status status-{word.tone}{' status-spin' if word.spins else ''}{f' status-{size}' if size else ''}"
    return format_html(
        '<span class="{}" data-status="{}" title="{}">{}{}</span>',
        classes,
        str(value),
        word.meaning,
        icon(word.icon),
        word.label,
    )


@register.simple_tag
def status_templates() -> SafeString:
    """Every badge once, for scripts to clone: so that browser and server use one vocabulary."""
    return format_html_join(
        "", '<template data-badge="{}">{}</template>', ((str(word), status(word)) for word in WORDS)
    )


@register.simple_tag
def texts() -> SafeString:
    """The words that scripts show, translated."""
    return json_script({key: str(value) for key, value in TEXTS.items()}, "texts")


@register.simple_tag
def when(moment: datetime | None, style: str = "relative", empty: str = NOTHING) -> SafeString:
    """A moment: relative by default, "absolute" for UTC to the second; both in UTC and local time on hover."""
    if moment is None:
        return format_html('<span class="soft">{}</span>', empty)
    in_utc = moment.astimezone(UTC)
    exact = f"{in_utc:%Y-%m-%d %H:%M:%S} UTC"
    shown = exact if style == "absolute" else durations.relative(moment, timezone.now())
    machine = in_utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return format_html('<time datetime="{}" data-when="{}" title="{}">{}</time>', machine, style, exact, shown)


@register.simple_tag
def key_state(keys: Iterable[HostKey]) -> str:
    """Of all host keys of a node: "accepted", "changed" (another was seen beside it), "waiting" or ""."""
    states = {key.state for key in keys}
    if "accepted" in states:
        return "changed" if "seen" in states else "accepted"
    return "waiting" if "seen" in states else ""


@register.simple_tag
def duration(seconds: float | None, empty: str = NOTHING) -> str:
    """A length of time: "0.4 s", "3 min 5 s"."""
    return empty if seconds is None else durations.duration(seconds)


@register.simple_tag
def took(started: datetime | None, finished: datetime | None) -> str:
    """How long something took, or has been taking until now; "" before it starts."""
    if started is None:
        return ""
    return durations.duration(((finished or timezone.now()) - started).total_seconds())


@register.simple_tag
def markdown(text: str, top: int = 2, anchors: str = "") -> SafeString:
    """Sanitised Markdown. `top` is the level that its highest heading gets, at least 2: the page owns the h1."""
    return format_html('<div class="doc">{}</div>', SafeString(markdown_text.render(text, top=top, anchors=anchors)))


@register.simple_tag(takes_context=True)
def main_navigation(context: Mapping[str, Any]) -> list[navigation.Link]:
    request = context["request"]
    actor = actor_of(request)
    if actor is None:
        return list(navigation.links(request.path, held=set(), waiting={}))
    now = timezone.now()
    waiting = {
        "approvals": count_waiting_for(actor=actor, now=now, most=MOST_COUNTED),
        "guardrails": count_to_close(actor=actor, now=now, most=MOST_COUNTED),
    }
    return list(navigation.links(request.path, held=rights_anywhere(actor=actor, now=now), waiting=waiting))


@register.simple_tag
def page_url(name: str) -> str:
    """The address of a page, or "" where this installation does not route it."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def query(context: Mapping[str, Any], **changes: object) -> str:
    """The address's query with some values changed; None or "" removes one. For filters and paging links."""
    current: QueryDict = context["request"].GET.copy()
    for name, value in changes.items():
        current.pop(name, None)
        if value not in (None, ""):
            current[name] = str(value)
    return f"?{current.urlencode()}" if current else "?"


_WIDGET_CLASSES = {
    "checkbox": "form-check-input",
    "select": "form-select",
    "checkboxselectmultiple": "choices",
    "radioselect": "choices",
}


@register.simple_tag
def shown_field(field: Any) -> SafeString:
    """The widget of a bound form field, with the classes and the ARIA links of the field partial."""
    kind = field.widget_type
    described = " ".join(_descriptions(field))
    attributes: dict[str, str | bool] = {"class": _WIDGET_CLASSES.get(kind, "form-control")}
    if described:
        attributes["aria-describedby"] = described
    if field.errors:
        attributes["aria-invalid"] = "true"
    return SafeString(field.as_widget(attrs={**attributes, **field.field.widget.attrs}))


def _descriptions(field: Any) -> Iterator[str]:
    if field.help_text:
        yield f"{field.auto_id}-help"
    if field.errors:
        yield f"{field.auto_id}-error"


@register.filter
def plain(value: object) -> SafeString:
    """A value of any type as code: strings as they are, the rest as people write it."""
    shown = {True: "yes", False: "no", None: NOTHING}.get(value) if isinstance(value, bool | None) else value
    return format_html("<code>{}</code>", str(shown))
