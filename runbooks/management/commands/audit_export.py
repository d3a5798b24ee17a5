"""`manage.py audit_export FILE`: the whole log as JSON lines, for the verifier."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from runbooks.audit.export import as_lines, export


class Command(BaseCommand):
    help = "Write the audit log with its checkpoints to a file that runbooks/audit/verifier.py verifies anywhere."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, **options: Any) -> None:
        with options["file"].open("wb") as file:
            for lines in as_lines(export(now=timezone.now())):
                file.write(lines)
        self.stdout.write(f"Wrote {options['file']}.")
