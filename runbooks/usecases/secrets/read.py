"""The built-in backend of the port `Secrets`: values out of the database. Only `worker.py` makes one."""

from collections.abc import Mapping

from django.db.models import Q
from django.utils import timezone

from runbooks.domain.ports import NoSecret
from runbooks.domain.secrecy.sealing import CannotOpen
from runbooks.domain.secrecy.unsealing import unseal
from runbooks.models import RunSecret, Secret, SecretValue
from runbooks.usecases.secrets.keep import keyring, seal_of


class StoredSecrets:
    def read(self, path: str) -> str:
        """Notes the use, to the minute: a secret that everything uses must be no row that everything waits for."""
        project, _, slug = path.partition("/")
        newest = SecretValue.objects.filter(
            secret__project__slug=project, secret__slug=slug, secret__archived_at=None
        ).exclude(key_id="")
        row = newest.order_by("-number").first()
        if row is None:
            raise NoSecret(f"The secret {path} is not there any more, or is archived.")
        value = _opened(row, name=f"The secret {path}")
        _note_use(row)
        return value

    def given(self, run_id: str, seals: Mapping[str, str]) -> dict[str, str]:
        rows = {row.parameter: row for row in RunSecret.objects.filter(run_id=run_id)}
        for name, seal in seals.items():
            if name not in rows or seal_of(rows[name]) != seal:
                raise NoSecret(f"The value that was given for {name} is not there, or is another.")
        return {name: _opened(rows[name], name=f"The value of {name}") for name in seals}


def _opened(row: SecretValue | RunSecret, *, name: str) -> str:
    try:
        return unseal(row.sealed, context=row.context, keyring=keyring())
    except CannotOpen as error:
        raise NoSecret(f"{name} can't be read. {error}") from error


def _note_use(row: SecretValue) -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now)
    Secret.objects.filter(stale, pk=row.secret_id).update(last_used_at=now)
