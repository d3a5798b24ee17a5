"""`manage.py add_administrator USER`: the first person of an installation, for whoever has the console."""

import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from runbooks.domain.problems import Invalid
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.people.administrators import add_administrator


class Command(BaseCommand):
    help = "Add a person who manages people, projects and grants; prints a password, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--full-name", default="")
        parser.add_argument("--email", default="")

    def handle(self, *_args: Any, **options: Any) -> None:
        password = secrets.token_urlsafe(15)
        try:
            add_administrator(
                username=options["user"],
                full_name=options["full_name"],
                email=options["email"],
                password=password,
                now=timezone.now(),
            )
        except Invalid as error:
            raise CommandError(" ".join(problem.detail for problem in error.problems)) from error
        except Conflict as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Password of {options['user']}, shown this once: {password}")
