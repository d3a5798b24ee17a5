"""Words that the scripts of assets/src show. They are here so that gettext finds and translates them."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# `{name}` is filled in by the script; a key ending in `_one` is used where n is 1.
TEXTS: dict[str, str | Promise] = {
    "times.now": _("just now"),
    "copy.done": _("Copied"),
    "copy.failed": _("Could not copy"),
}
