"""Seconds and moments as people read them. `assets/src/lib/times.ts` says the same in the browser."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_UNITS = ((86400.0, "d", 3600, "h"), (3600.0, "h", 60, "min"), (60.0, "min", 1, "s"))


def duration(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 min 5 s", "2 h 4 min", "3 d 2 h"."""
    if seconds < 10:
        return f"{max(int(seconds * 10), 0) / 10:g} s"
    whole = int(seconds)
    for size, unit, small, small_unit in _UNITS:
        if whole >= size:
            head, rest = divmod(whole, int(size))
            tail = f" {rest // small} {small_unit}" if rest // small else ""
            return f"{head} {unit}{tail}"
    return f"{whole} s"


def relative(then: datetime, now: datetime) -> str:
    """ "3 minutes ago", "in 2 hours": what the page says until the browser takes over."""
    seconds = (then - now).total_seconds()
    distance = abs(seconds)
    if distance < 5:
        return _("just now")
    span = _span(distance)
    return _("in %(span)s") % {"span": span} if seconds > 0 else _("%(span)s ago") % {"span": span}


def _span(seconds: float) -> str:
    if seconds < 60:
        return ngettext("%d second", "%d seconds", int(seconds)) % int(seconds)
    if seconds < 3600:
        return ngettext("%d minute", "%d minutes", int(seconds // 60)) % int(seconds // 60)
    if seconds < 86400:
        return ngettext("%d hour", "%d hours", int(seconds // 3600)) % int(seconds // 3600)
    if seconds < 86400 * 30:
        return ngettext("%d day", "%d days", int(seconds // 86400)) % int(seconds // 86400)
    if seconds < 86400 * 365:
        return ngettext("%d month", "%d months", int(seconds // 2592000)) % int(seconds // 2592000)
    return ngettext("%d year", "%d years", int(seconds // 31536000)) % int(seconds // 31536000)
