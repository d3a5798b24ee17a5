"""`manage.py rotate_secrets`: wrap every secret's data key by the current master key, while everything runs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runbooks.domain.secrecy.sealing import CannotOpen
from runbooks.usecases.secrets.keep import keyring
from runbooks.usecases.secrets.rewrap import left, rewrap_all


class Command(BaseCommand):
    help = "Wrap all secrets by the first key of OPSAAS_SECRETS_KEYS. Afterwards the other keys may go."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=100, help="How many in one transaction.")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            done = rewrap_all(batch=max(1, options["batch"]))
        except CannotOpen as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{done} wrapped anew by the key {keyring().current}; {left()} left under others.")
