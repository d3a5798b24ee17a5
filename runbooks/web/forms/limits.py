"""The fields that limit a grant: people write lines and tick boxes, the API gets one object."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runbooks.domain.limits import TRIGGERS, as_text, limits_of
from runbooks.domain.weekly import DAYS, MIDNIGHT

PREFIX = "limit_"
LINE = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(=|~)\s*(.*?)\s*")
WHOLE = re.compile(r"-?[0-9]+")
DAY_NAMES = {
    "mon": gettext_lazy("Monday"), "tue": gettext_lazy("Tuesday"), "wed": gettext_lazy("Wednesday"),
    "thu": gettext_lazy("Thursday"), "fri": gettext_lazy("Friday"), "sat": gettext_lazy("Saturday"),
    "sun": gettext_lazy("Sunday"),
}  # fmt: skip
CODE = {"autocomplete": "off", "spellcheck": "false"}


def _clock(example: str) -> forms.TextInput:
    return forms.TextInput(attrs={**CODE, "class": "form-control short", "placeholder": example})


class WeeklyFields(forms.Form):
    """Days, hours and their zone; without a day and an hour there is nothing."""

    limit_days = forms.MultipleChoiceField(
        label=gettext_lazy("On these days"),
        required=False,
        choices=[(day, DAY_NAMES[day]) for day in DAYS],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: every day."),
    )
    limit_from = forms.CharField(label=gettext_lazy("From"), required=False, max_length=5, widget=_clock("09:00"))
    limit_to = forms.CharField(label=gettext_lazy("To"), required=False, max_length=5, widget=_clock("17:00"))
    limit_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        required=False,
        max_length=60,
        initial="UTC",
        widget=forms.TextInput(attrs={**CODE, "class": "form-control short"}),
        help_text=gettext_lazy("Such as Europe/Berlin. Hours over midnight belong to the day on which they begin."),
    )

    def weekly(self) -> dict[str, Any] | None:
        asked = self.cleaned_data
        if not (asked["limit_days"] or asked["limit_from"] or asked["limit_to"]):
            return None
        days = [day for day in DAYS if day in (asked["limit_days"] or DAYS)]
        clock = {"from": asked["limit_from"] or "00:00", "to": asked["limit_to"] or MIDNIGHT}
        return {"days": days, **clock, "zone": asked["limit_zone"] or "UTC"}


class LimitFields(WeeklyFields):
    """For forms that inherit from it."""

    limit_values = forms.CharField(
        label=gettext_lazy("Only these values"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={**CODE, "rows": 2, "placeholder": "env = staging, qa\nhost ~ web[0-9]+"}),
        help_text=gettext_lazy("A line for each parameter: = and what it may be, or ~ and a pattern (RE2)."),
    )
    limit_when = forms.CharField(
        label=gettext_lazy("Only where"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs={**CODE, "placeholder": 'params.env != "production"'}),
        help_text=gettext_lazy("A condition in CEL over params."),
    )
    limit_nodes = forms.CharField(
        label=gettext_lazy("Only these nodes"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs={**CODE, "placeholder": "env=staging !drained"}),
        help_text=gettext_lazy("A query of tags and attributes, or CEL."),
    )
    limit_max_nodes = forms.IntegerField(
        label=gettext_lazy("At most so many nodes at a time"), required=False, min_value=1
    )
    limit_per_hour = forms.IntegerField(label=gettext_lazy("At most so many runs an hour"), required=False, min_value=1)
    limit_per_day = forms.IntegerField(label=gettext_lazy("At most so many runs a day"), required=False, min_value=1)
    limit_triggers = forms.MultipleChoiceField(
        label=gettext_lazy("Only by these triggers"),
        required=False,
        choices=[(one, one) for one in TRIGGERS],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: all."),
    )

    def clean_limit_values(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for line in filter(str.strip, self.cleaned_data["limit_values"].splitlines()):
            read = LINE.fullmatch(line)
            if read is None or not read[3]:
                detail = _("Write “%(line)s” as “name = value, value” or “name ~ pattern”.")
                raise forms.ValidationError(detail % {"line": line[:80]})
            name, sign, text = read.groups()
            found[name] = {"pattern": text} if sign == "~" else {"in": [_typed(one) for one in text.split(",")]}
        return found

    def limits(self) -> dict[str, Any]:
        """As the API takes them, of a valid form; what was left empty is not there."""
        asked = self.cleaned_data
        plain = ("values", "when", "nodes", "max_nodes", "per_hour", "per_day", "triggers")
        found = {name: asked[PREFIX + name] for name in plain if asked[PREFIX + name]}
        hours = self.weekly()
        return {**found, "hours": hours} if hours else found


def limit_field(pointer: str) -> str | None:
    """The field that a problem such as /limits/hours/zone belongs to."""
    words = pointer.strip("/").split("/")
    if words[0] not in {"limits", "weekly"} or len(words) < 2:
        return None
    name = words[-1] if words[0] == "weekly" else words[2] if words[1] == "hours" and len(words) > 2 else words[1]
    return PREFIX + ("days" if name == "hours" else name)


def shown_limits(limits: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say these limits."""
    found = limits_of(limits)
    lines = [
        f"{name} ~ {one.pattern}" if one.among is None else f"{name} = {', '.join(as_text(v) for v in one.among)}"
        for name, one in found.values.items()
    ]
    shown: dict[str, Any] = {PREFIX + name: limits.get(name) for name in ("when", "nodes", "max_nodes", "triggers")}
    shown |= {PREFIX + name: limits.get(name) for name in ("per_hour", "per_day")}
    if found.hours:
        hours = found.hours.as_json()
        shown |= {PREFIX + name: hours[name] for name in ("days", "from", "to", "zone")}
    return {name: value for name, value in {**shown, "limit_values": "\n".join(lines)}.items() if value}


def _typed(text: str) -> str | int | bool:
    """true, false and whole numbers are what they look like; all else is text."""
    text = text.strip()
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if WHOLE.fullmatch(text) else text
