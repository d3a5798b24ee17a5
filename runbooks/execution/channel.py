"""The conversation between a worker thread and its warden: one JSON object per line over a stream socket.

Worker to warden: the job, then any number of {"renew": CLOCK_BOOTTIME seconds}, {"stop": true} (politely),
{"kill": true} (at once), and after the result {"done": true}. A closed socket means that the worker is dead.

Warden to worker: {"warden": pid}, then {"result": …}, then {"not_removed": why} if the folder could not be removed.
The socket closes for the worker when the warden is gone and reaped.
"""

import contextlib
import json
import socket
from typing import Any

Message = dict[str, Any]


class Channel:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._unread = bytearray()
        self._early: list[Message] = []

    def fileno(self) -> int:
        return self.connection.fileno()

    def send(self, message: Message) -> None:
        """Raises OSError when the other side is gone."""
        self.connection.sendall(json.dumps(message).encode() + b"\n", socket.MSG_NOSIGNAL)

    def send_if_there(self, message: Message) -> None:
        """For messages that are pointless when the other side is gone or takes nothing."""
        with contextlib.suppress(OSError):
            self.connection.send(json.dumps(message).encode() + b"\n", socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)

    def receive(self) -> list[Message] | None:
        """Waits for bytes; returns the messages that are whole now, None once the other side has closed."""
        try:
            data = self.connection.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            return None
        self._unread += data
        if b"\n" not in data:
            return []
        *whole, rest = self._unread.split(b"\n")
        self._unread = rest
        return [json.loads(line) for line in whole]

    def wait_for(self, key: str) -> Message | None:
        """Blocks until a message with this key comes; None once the other side has closed.

        What came in the same breath behind it is for `take_early()`.
        """
        while (messages := self.receive()) is not None:
            for position, message in enumerate(messages):
                if key in message:
                    self._early = messages[position + 1 :]
                    return message
        return None

    def take_early(self) -> list[Message]:
        early, self._early = self._early, []
        return early

    def close(self) -> None:
        self.connection.close()
