"""The inventories of `OPSAAS_INVENTORIES`, read by the scheduler: who writes that file owns the server."""

from django.conf import settings
from django.utils import timezone

from runbooks.domain.machines.inventory_sources import Source, sources_of
from runbooks.domain.syntax.yaml_text import read_yaml
from runbooks.execution.inventory_command import read_file, run_command
from runbooks.usecases.nodes.refresh import refresh

COMMAND_SECONDS = 120.0


def refresh_all() -> None:
    """One that is broken keeps none of the others from being read."""
    if not settings.OPSAAS_INVENTORIES:
        return
    for source in sources_of(read_yaml(read_file(settings.OPSAAS_INVENTORIES))):
        refresh(source=source, read=_read, now=timezone.now())


def _read(source: Source) -> bytes:
    return run_command(source.command, seconds=COMMAND_SECONDS) if source.command else read_file(source.file)
