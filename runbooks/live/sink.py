"""From a script's pipe to the database: gathered for a moment, cut at whole characters, limited."""

import contextlib
import threading
import time
from collections.abc import Callable
from functools import partial

from django.utils import timezone

from runbooks.domain.secrecy.redaction import Redactor
from runbooks.live.append import CHUNK_BYTES, StepKey, append_output, unfinished
from runbooks.live.insist import insist

BATCH_BYTES = 1 << 20  # what a script that floods has stored at a time: one commit for many chunks
FLUSH_SECONDS = 0.1


class DatabaseSink:
    """The output of one step run. Thread-safe: the executor writes, and a flusher empties what is left lying."""

    def __init__(
        self,
        *,
        key: StepKey,
        limit_bytes: int,
        patience_seconds: float,
        release: Callable[[], None],
        flusher: "Flusher",
        redactor: Redactor | None = None,
    ) -> None:
        """RELEASE gives the thread's database connection back. A database that is away holds the script up, for
        PATIENCE_SECONDS. What REDACTOR finds is never stored."""
        self._key, self._limit, self._release, self._flusher = key, limit_bytes, release, flusher
        self._patience = patience_seconds
        self._redactor = redactor or Redactor()
        self._stored = 0
        self._lock = threading.Lock()
        self._buffer = bytearray()
        self._seen = 0
        self._flushed_at = 0.0

    @property
    def complete(self) -> bool:
        return self._seen <= self._limit

    def write(self, data: bytes) -> None:
        """Raises FenceLost when the step run belongs to somebody else."""
        with self._lock:
            self._take(self._redactor.feed(data))
            if len(self._buffer) >= BATCH_BYTES or time.monotonic() - self._flushed_at > FLUSH_SECONDS:
                self._flush(keep=True)
                return
        self._flusher.wake(self)

    def flush_if_due(self) -> None:
        with self._lock:
            self._flush(keep=True)

    def close(self) -> None:
        """Writes the rest, with a marker where the limit was passed."""
        with self._lock:
            self._take(self._redactor.finish())
            self._flush(keep=False)
            if not self.complete:
                marker = f"\n[opsaas: the output limit of {self._limit} bytes was reached; {self._seen} were written]\n"
                self._store(marker.encode())

    def _take(self, data: bytes) -> None:
        room = max(0, self._limit - self._seen)
        self._seen += len(data)
        self._buffer += data[:room]

    def _flush(self, *, keep: bool) -> None:
        """KEEP holds back the beginning of a character whose end has not come yet."""
        ready = len(self._buffer) - (unfinished(self._buffer) if keep else 0)
        try:
            if ready:
                self._store(bytes(self._buffer[:ready]))
                del self._buffer[:ready]
        finally:
            self._flushed_at = time.monotonic()
            self._release()

    def _store(self, data: bytes) -> None:
        act = partial(
            append_output, key=self._key, at=self._stored, data=data, now=timezone.now(), piece_bytes=CHUNK_BYTES
        )
        insist(act, seconds=self._patience)
        self._stored += len(data)


class Flusher:
    """One thread for all sinks of a process: what nobody adds to is written after a moment all the same."""

    def __init__(self) -> None:
        self._dirty: set[DatabaseSink] = set()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    def wake(self, sink: DatabaseSink) -> None:
        with self._wake:
            self._dirty.add(sink)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="opsaas-flusher", daemon=True)
                self._thread.start()
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._dirty:
                    self._wake.wait()
            time.sleep(FLUSH_SECONDS)
            with self._wake:
                dirty, self._dirty = self._dirty, set()
            for sink in dirty:
                self._flush(sink)

    def _flush(self, sink: DatabaseSink) -> None:
        with contextlib.suppress(Exception):  # the sink's own writer meets the same error and reports it
            sink.flush_if_due()
