"""`manage.py make_audit_key`: a new key that signs the log's checkpoints, for OPSAAS_AUDIT_KEYS."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from runbooks.domain.signed_notes import BadNote, new_signing_key


class Command(BaseCommand):
    help = "Print a new signing key. Put it first in OPSAAS_AUDIT_KEYS (or its file) and keep the old one behind it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        present = settings.OPSAAS_AUDIT_KEYS
        default = present[0].name if present else f"{settings.OPSAAS_PUBLIC_URL.partition('://')[2]}/audit"
        parser.add_argument("--name", default=default, help=f"The log's own name, in every checkpoint: {default}")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            self.stdout.write(new_signing_key(options["name"]))
        except BadNote as error:
            raise CommandError(str(error)) from error
