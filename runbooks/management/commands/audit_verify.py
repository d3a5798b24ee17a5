"""`manage.py audit_verify`: walks the whole log in the database and names what is wrong with it."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from runbooks.audit.export import export
from runbooks.audit.verifier import NotAnExport, read_kept, read_key, told, verify


class Command(BaseCommand):
    help = "Verify the audit log as it is in the database; exit status 1 where it is not whole."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--key", action="append", default=[], help="A public key; those of OPSAAS_AUDIT_KEYS count too."
        )
        parser.add_argument("--checkpoint", action="append", type=Path, default=[], help="Checkpoints kept elsewhere.")

    def handle(self, *_args: Any, **options: Any) -> None:
        own = [str(key.public()) for key in settings.OPSAAS_AUDIT_KEYS]
        try:
            keys = [read_key(text) for text in [*own, *options["key"], *map(str, settings.OPSAAS_AUDIT_WITNESSES)]]
            kept = [one for path in options["checkpoint"] for one in read_kept(path.read_text())]
            report = verify(export(now=timezone.now()), keys=keys, kept=kept)
        except (NotAnExport, OSError) as error:
            raise CommandError(str(error), returncode=2) from error
        for line in told(report):
            self.stdout.write(line)
        if not report.whole:
            raise CommandError("The audit log is not whole.")
