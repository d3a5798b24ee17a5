"""How long something holds: a usual length or an exact moment."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FOREVER = "forever"
LENGTHS: dict[str, tuple[str | Promise, timedelta | None]] = {
    "8h": (_("8 hours"), timedelta(hours=8)),
    "1d": (_("1 day"), timedelta(days=1)),
    "7d": (_("7 days"), timedelta(days=7)),
    "30d": (_("30 days"), timedelta(days=30)),
    "90d": (_("90 days"), timedelta(days=90)),
    FOREVER: (_("without an end"), None),
}


class Moment(forms.DateTimeField):
    """A moment in UTC, as the browser's own control gives it."""

    def __init__(self, **more: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "60"}, format="%Y-%m-%dT%H:%M")
        super().__init__(**{"widget": widget, "required": False, **more})


class Lasting(forms.Form):
    """Two fields for forms that inherit from it."""

    lasts = forms.ChoiceField(label=_("For"), choices=[(key, label) for key, (label, _span) in LENGTHS.items()])
    until = Moment(label=_("Or until exactly"), help_text=_("UTC. Goes before the length above."))

    def ends_at(self, now: datetime) -> datetime | None:
        """Of a valid form."""
        exact: datetime | None = self.cleaned_data["until"]
        span = LENGTHS[self.cleaned_data["lasts"]][1]
        return exact or (now + span if span else None)
