"""What a worker process is made of: executor, leases, flusher. Made once, at the worker's start."""

import atexit
import os
import socket
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from runbooks.demo.load import SAMPLES
from runbooks.domain.ports import Executor, KeyLooker, Lease, Outcome, OutputSink, Secrets, StopReason, Work
from runbooks.execution.local import LocalExecutor
from runbooks.execution.ssh.executor import SshExecutor
from runbooks.live.sink import Flusher
from runbooks.models.connections import release_connection
from runbooks.models.ids import new_id
from runbooks.models.offers import tell_offer
from runbooks.usecases.runs.leases import DatabaseLeases
from runbooks.usecases.secrets.read import StoredSecrets


class Executors:
    """One for work on this machine, and one for work on others."""

    def __init__(self) -> None:
        base_folder, search_path = settings.OPSAAS_DATA_DIR / "work", settings.OPSAAS_SCRIPT_PATH
        self.local = LocalExecutor(
            base_folder=base_folder,
            search_path=search_path,
            sees=(*settings.OPSAAS_SCRIPT_SEES, str(SAMPLES.resolve())),
            users=settings.OPSAAS_SCRIPT_USERS,
        )
        self.ssh = SshExecutor(search_path=search_path)

    def start(self) -> None:
        self.local.start()
        self.ssh.start()

    def stop(self) -> None:
        self.ssh.stop()
        self.local.stop()

    def execute(self, *, work: Work, sink: OutputSink, lease: Lease) -> Outcome:
        executor: Executor = self.ssh if work.target else self.local
        return executor.execute(work=work, sink=sink, lease=lease)


@dataclass(frozen=True)
class WorkerHost:
    executor: Executor
    keys: KeyLooker
    secrets: Secrets
    leases: DatabaseLeases
    flusher: Flusher

    def release(self) -> None:
        release_connection()


# A claim or an end is some milliseconds of Python. Taking turns within it, as Python does every 5 ms, costs more than
# waiting for it when tens of threads are at it.
TURN_SECONDS = 0.02


@cache
def host() -> WorkerHost:
    sys.setswitchinterval(TURN_SECONDS)
    executor = Executors()
    executor.start()
    atexit.register(executor.stop)
    name = f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-8:]}"
    tell_offer(worker=name, level=executor.local.ladder.strongest, why=executor.local.ladder.why)
    return WorkerHost(
        executor=executor,
        keys=executor.ssh,
        secrets=StoredSecrets(),
        leases=DatabaseLeases(worker=name),
        flusher=Flusher(),
    )


def drain() -> None:
    """Takes nothing new, gives running scripts their drain time, then stops them; called as the worker begins to shut
    down."""
    host().leases.closing = True
    threading.Thread(target=_stop_after_drain, name="opsaas-drain", daemon=True).start()


def _stop_after_drain() -> None:
    time.sleep(settings.OPSAAS_DRAIN_SECONDS)
    host().leases.stop_all(StopReason.SHUTDOWN)
