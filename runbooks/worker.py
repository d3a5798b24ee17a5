"""What a worker process is made of: executor, leases, flusher. Made once, at the worker's start."""

import atexit
import os
import socket
import threading
import time
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from runbooks.domain.ports import StopReason
from runbooks.execution.local import LocalExecutor
from runbooks.live.sink import Flusher
from runbooks.models.connections import release_connection
from runbooks.models.ids import new_id
from runbooks.usecases.runs.leases import DatabaseLeases


@dataclass(frozen=True)
class WorkerHost:
    executor: LocalExecutor
    leases: DatabaseLeases
    flusher: Flusher

    def release(self) -> None:
        release_connection()


@cache
def host() -> WorkerHost:
    executor = LocalExecutor(base_folder=settings.OPSAAS_DATA_DIR / "work", search_path=settings.OPSAAS_SCRIPT_PATH)
    executor.start()
    atexit.register(executor.stop)
    name = f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-8:]}"
    return WorkerHost(
        executor=executor,
        leases=DatabaseLeases(worker=name),
        flusher=Flusher(),
    )


def drain() -> None:
    """Gives running scripts their drain time, then stops them; called as the worker begins to shut down."""
    threading.Thread(target=_stop_after_drain, name="opsaas-drain", daemon=True).start()


def _stop_after_drain() -> None:
    time.sleep(settings.OPSAAS_DRAIN_SECONDS)
    host().leases.stop_all(StopReason.SHUTDOWN)
