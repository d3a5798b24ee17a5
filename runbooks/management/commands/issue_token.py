"""`manage.py issue_token USER`: a token for whoever has the console."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from runbooks.domain.problems import Invalid
from runbooks.models import TokenKind, User
from runbooks.usecases.people.tokens import issue

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    help = "Print a new token, once. Without options it carries the account's full rights and does not expire."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--scope", action="append", default=[], help="A right to limit it to; may be repeated.")
        parser.add_argument("--expires", help="30m, 12h, 90d, or a time such as 2027-01-31T00:00:00Z.")
        parser.add_argument("--kind", choices=TokenKind.values, default="api", help="What will use it.")
        parser.add_argument("--name", default="from the console")

    def handle(self, *_args: Any, **options: Any) -> None:
        now = timezone.now()
        user = User.objects.select_related("owner").filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no account “{options['user']}”.")
        try:
            _, text = issue(
                by=None,
                user=user,
                name=options["name"],
                scopes=options["scope"],
                expires_at=_expiry(options["expires"], now),
                kind=TokenKind(options["kind"]),
                now=now,
            )
        except Invalid as error:
            raise CommandError(" ".join(problem.detail for problem in error.problems)) from error
        self.stdout.write(text)


def _expiry(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    if found := re.fullmatch(r"([0-9]+)([mhd])", text):
        return now + timedelta(**{UNITS[found[2]]: int(found[1])})
    moment = parse_datetime(text)
    if moment is None or moment.tzinfo is None:
        raise CommandError("--expires takes 30m, 12h, 90d, or a time such as 2027-01-31T00:00:00Z.")
    return moment
