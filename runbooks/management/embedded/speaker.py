"""Says on standard output what the children say, each line under its name, without ever holding them up."""

import os
import sys
import threading
from collections import deque
from typing import IO

WAITING_LINES = 10_000
LINE_BYTES = 16 * 1024  # a longer line is shown in pieces


class Speaker:
    """Lines are queued and written by a thread: a terminal that is paused, or a pipe that nobody reads, costs lines
    (and says how many), but never stops a child that writes."""

    def __init__(self, output: int) -> None:
        self._output = output
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._write, daemon=True, name="speaker")
        self._closing = False
        self._thread.start()

    def say(self, text: str) -> None:
        """Something the supervisor itself has to say."""
        self._put(text.encode() + b"\n")

    def follow(self, name: str, stream: IO[bytes]) -> None:
        """Passes on what comes from STREAM until it ends."""
        threading.Thread(target=self._follow, args=(name, stream), daemon=True, name=f"follow {name}").start()

    def close(self, *, seconds: float) -> None:
        """Waits until all is written, but not for ever."""
        with self._change:
            self._closing = True
            self._change.notify()
        self._thread.join(seconds)

    def _follow(self, name: str, stream: IO[bytes]) -> None:
        prefix = f"{name:<9} | ".encode()
        with stream:
            while line := stream.readline(LINE_BYTES):
                self._put(prefix + line.rstrip(b"\r\n") + b"\n")

    def _put(self, line: bytes) -> None:
        with self._change:
            if len(self._lines) >= WAITING_LINES:
                self._dropped += 1
                return
            self._lines.append(line)
            self._change.notify()

    def _write(self) -> None:
        while (batch := self._next()) is not None:
            try:
                while batch:
                    batch = batch[os.write(self._output, batch) :]
            except OSError:  # the reader is gone: go on without one
                self._output = os.open(os.devnull, os.O_WRONLY)

    def _next(self) -> bytes | None:
        with self._change:
            self._change.wait_for(lambda: self._lines or self._dropped or self._closing)
            if not self._lines and not self._dropped:
                return None
            batch = b"".join(self._lines)
            self._lines.clear()
            if self._dropped:
                batch += f"({self._dropped} lines were dropped: nobody read them in time)\n".encode()
                self._dropped = 0
            return batch


def standard_output() -> Speaker:
    sys.stdout.flush()
    return Speaker(sys.stdout.fileno())
