"""`manage.py up`: the whole of opsaas on this machine, under one parent."""

import os
import socket
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from runbooks.management.embedded import address, broker, children, datafolder, signins, supervisor

DRAIN_SECONDS = 5.0  # who presses Ctrl-C waits: shorter than in production, unless OPSAAS_DRAIN_SECONDS says otherwise
SETTLE_SECONDS = 6.0  # for a worker to stop what was not drained, and to write down that it did


class Command(BaseCommand):
    help = "Run web, worker, scheduler and broker here, restart what dies, stop all on Ctrl-C."
    requires_system_checks: list[str] = []  # they cost a third of a warm start; `make lint` and CI have run them

    def handle(self, *_args: Any, **_options: Any) -> None:
        data_folder = Path(settings.OPSAAS_DATA_DIR)
        given_broker = os.environ.get("OPSAAS_BROKER_URL")
        try:
            datafolder.prepare(data_folder)
            datafolder.lock(data_folder)
            listening = address.listen(settings.OPSAAS_PORT)
            broker_command = None if given_broker else broker.prepare(data_folder)
        except (datafolder.DataFolderError, address.AddressError, broker.BrokerError) as error:
            raise CommandError(str(error)) from error
        self._say(f"opsaas keeps its data in {data_folder}")
        self._say("Preparing the database …")
        call_command("migrate", interactive=False, verbosity=0)
        greeting = signins.seed(data_folder)
        connections.close_all()
        drain = settings.OPSAAS_DRAIN_SECONDS if os.environ.get("OPSAAS_DRAIN_SECONDS") else DRAIN_SECONDS
        supervisor.become(
            _plan(listening=listening, broker_command=broker_command, greeting=greeting, drain=drain),
            environment=children.environment(
                OPSAAS_EMBEDDED="1",
                OPSAAS_DATA_DIR=str(data_folder),
                OPSAAS_BROKER_URL=given_broker or broker.url(broker.socket_path(data_folder)),
                OPSAAS_DRAIN_SECONDS=f"{drain:g}",
            ),
            home=settings.BASE_DIR,
        )

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def _plan(*, listening: socket.socket, broker_command: list[str] | None, greeting: str, drain: float) -> children.Plan:
    own_broker = [children.broker(broker_command)] if broker_command else []
    home = f"http://{address.HOST}:{settings.OPSAAS_PORT}/"
    return children.Plan(
        children=[
            *own_broker,
            children.web(listening=listening.fileno()),
            children.worker(slots=settings.OPSAAS_WORKER_SLOTS),
            children.scheduler(manage=settings.BASE_DIR / "manage.py"),
        ],
        probe=(address.HOST, settings.OPSAAS_PORT),
        greeting=f"\nopsaas is ready: {home}\n\n{greeting}\n\nCtrl-C stops it.\n",
        patience=drain + SETTLE_SECONDS,
    )
