"""`manage.py check --deploy` refuses an unsafe production set-up. Each message says what to do."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from runbooks.domain.ports import Level
from runbooks.execution.local import LocalExecutor

SHORTEST_KEY = 50


@register(Tags.security, deploy=True)
def production(app_configs: Sequence[AppConfig] | None, **_more: Any) -> list[CheckMessage]:
    return [
        message
        for message in (_debug(), _key(), _https(), _database(), _broker(), _mail(), _containment(), _log_key())
        if message
    ]


def _debug() -> CheckMessage | None:
    return Error("OPSAAS_DEBUG is on.", hint="Leave it unset.", id="opsaas.E001") if settings.DEBUG else None


def _key() -> CheckMessage | None:
    if len(settings.SECRET_KEY) >= SHORTEST_KEY and len(set(settings.SECRET_KEY)) >= 10:
        return None
    hint = "python -c 'import secrets; print(secrets.token_urlsafe(50))' makes one; keep it in OPSAAS_SECRET_KEY_FILE."
    return Error("The secret key is short or simple.", hint=hint, id="opsaas.E002")


def _https() -> CheckMessage | None:
    if settings.OPSAAS_PUBLIC_URL.startswith("https://"):
        return None
    hint = "Set OPSAAS_PUBLIC_URL to the https:// address that people use: cookies are then marked secure."
    return Error("The public address is not https.", hint=hint, id="opsaas.E003")


def _database() -> CheckMessage | None:
    if not settings.EMBEDDED:
        return None
    hint = "Set DATABASE_URL to a PostgreSQL database: several machines can't share SQLite."
    return Error("The embedded database is in use.", hint=hint, id="opsaas.E004")


def _broker() -> CheckMessage | None:
    if not settings.OPSAAS_BROKER_URL.startswith("redis+socket://"):
        return None
    hint = "Set OPSAAS_BROKER_URL to a Redis, Valkey or RabbitMQ that every worker reaches."
    return Error("The embedded broker is in use.", hint=hint, id="opsaas.E005")


def _mail() -> CheckMessage | None:
    if not settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        return None
    hint = "Set OPSAAS_EMAIL_URL (smtp+tls://user:password@host:587): owners are told of each use by mail."
    return Warning("Mail is written to files.", hint=hint, id="opsaas.W001")


def _containment() -> CheckMessage | None:
    """Really tried, on the machine and as the user that the check runs as: workers are expected to be alike."""
    with tempfile.TemporaryDirectory(prefix="opsaas-check-") as folder:
        Path(folder).chmod(0o711)  # where the worker is root, scripts are other users
        with LocalExecutor(base_folder=Path(folder) / "work", users=settings.OPSAAS_SCRIPT_USERS) as executor:
            ladder = executor.ladder
    if ladder.strongest is not Level.HOST:
        return None
    hint = f"docs/containment.md tells what a machine needs for more. {ladder.why}"
    return Warning("Scripts can't be kept from this machine: they run at the level host.", hint=hint, id="opsaas.W002")


def _log_key() -> CheckMessage | None:
    if settings.OPSAAS_AUDIT_KEYS:
        return None
    hint = (
        "`manage.py make_audit_key` makes one; give it to the scheduler in OPSAAS_AUDIT_KEYS_FILE, and to nobody else."
    )
    return Warning(
        "No key signs the audit log: who owns the database can change it unseen.", hint=hint, id="opsaas.W003"
    )
