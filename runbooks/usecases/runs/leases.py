"""Leases of the step runs that this process executes: renewed together, once a beat, by one statement."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Case, When

from runbooks.domain.ports import StopReason
from runbooks.domain.states import StepStatus
from runbooks.live.append import StepKey
from runbooks.models import StepRun
from runbooks.usecases.runs.claim import lease_end

log = logging.getLogger(__name__)

_STOPPED_AT = Case(When(cleanup=True, then="run__cleanup_cancelled_at"), default="run__cancel_requested_at")
SHARE_FOR_SCRIPTS = 0.75  # of a lease: by then, without renewal, the script is killed, before anybody writes it off


class HeldLease:
    """One lease, as the executor sees it (see `domain.ports.Lease`)."""

    def __init__(self) -> None:
        self._changed = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.good_until = 0.0
        self.stop: StopReason | None = None

    def fileno(self) -> int:
        return self._changed

    def acknowledge(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._changed)

    def renew(self, *, good_until: float) -> None:
        self.good_until = good_until
        os.eventfd_write(self._changed, 1)

    def end(self, reason: StopReason) -> None:
        if self.stop is None:
            self.stop = reason
            os.eventfd_write(self._changed, 1)

    def close(self) -> None:
        os.close(self._changed)


class DatabaseLeases:
    """Keeps the leases of one worker process. A thread of its own calls `beat` about once a second; it keeps its
    database connection, so that renewals never wait for a place in the pool."""

    def __init__(self, *, worker: str) -> None:
        self.worker = worker
        self.closing = False  # this process is about to stop, and starts nothing new
        self._held: dict[StepKey, HeldLease] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped_for: StopReason | None = None
        self.beat_seconds = min(1.0, settings.OPSAAS_LEASE_SECONDS / 4)

    @staticmethod
    def clock() -> float:
        """Goes on while the machine sleeps, and nobody can set it."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def hold(self, key: StepKey, *, asked_at: float) -> HeldLease:
        """ASKED_AT: when the claim was sent to the database, by `clock`."""
        lease = HeldLease()
        lease.renew(good_until=asked_at + settings.OPSAAS_LEASE_SECONDS * SHARE_FOR_SCRIPTS)
        with self._lock:
            self._held[key] = lease
            if self._stopped_for:
                lease.end(self._stopped_for)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="opsaas-leases", daemon=True)
                self._thread.start()
        return lease

    def drop(self, key: StepKey) -> None:
        with self._lock:
            self._held.pop(key).close()

    def stop_all(self, reason: StopReason) -> None:
        """Also what is claimed in this very moment."""
        with self._lock:
            self._stopped_for = reason
            for lease in self._held.values():
                lease.end(reason)

    def held(self) -> int:
        with self._lock:
            return len(self._held)

    def beat(self) -> None:
        """Renews every lease that is still ours, and passes on what has been asked of the runs."""
        with self._lock:
            keys = list(self._held)
        if not keys:
            return
        asked_at = self.clock()
        mine = StepRun.objects.filter(worker=self.worker, status=StepStatus.RUNNING)
        mine.filter(pk__in=[key.step_run_id for key in keys]).update(lease_until=lease_end())
        cancelled = dict(mine.values_list("pk", _STOPPED_AT))
        good_until = asked_at + settings.OPSAAS_LEASE_SECONDS * SHARE_FOR_SCRIPTS
        with self._lock:
            for key in keys:
                if lease := self._held.get(key):
                    _tell(lease=lease, key=key, cancelled=cancelled, good_until=good_until)

    def _run(self) -> None:
        while True:
            try:
                self.beat()
            except DatabaseError as error:
                log.warning("leases were not renewed, the database did not answer: %s", error)
                connection.close()
            time.sleep(self.beat_seconds)


def _tell(*, lease: HeldLease, key: StepKey, cancelled: Mapping[UUID, datetime | None], good_until: float) -> None:
    if key.step_run_id not in cancelled:
        lease.end(StopReason.LEASE_LOST)
        return
    lease.renew(good_until=good_until)
    if cancelled[key.step_run_id]:
        lease.end(StopReason.CANCELLED)
