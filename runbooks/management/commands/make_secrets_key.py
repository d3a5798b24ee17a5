"""`manage.py make_secrets_key`: a new master key, for OPSAAS_SECRETS_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from runbooks.domain.secrecy.sealing import new_key


class Command(BaseCommand):
    help = "Print a new master key. Put it first in OPSAAS_SECRETS_KEYS (or its file) and keep the others behind it."
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(new_key())
