"""The demo people, made once, on the first start."""

import io
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management import call_command

PRINTED_BEFORE = (
    "The sign-ins were printed at the first start. A new password: .venv/bin/python manage.py changepassword NAME"
)


def seed(data_folder: Path) -> str:
    """Seeds a database that nobody lives in yet, and returns what people need to sign in.

    The marker tells that a seeding was cut short: `demo` may be repeated until it has ended once.
    """
    unfinished = data_folder / "seeding"
    if get_user_model().objects.exists() and not unfinished.exists():
        return PRINTED_BEFORE
    unfinished.touch(mode=0o600)
    said = io.StringIO()
    call_command("demo", stdout=said)
    unfinished.unlink()
    return said.getvalue().strip()
