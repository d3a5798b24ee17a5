"""Connections that are shared and kept for a while: making one costs a hundred times as much as using it."""

import hashlib
import os
import threading
import time
from dataclasses import dataclass, field

import paramiko

from runbooks.domain.ports import Target
from runbooks.execution.ssh.connect import Timeouts, connect, hang_up
from runbooks.execution.ssh.line import CannotConnect

MOST_SESSIONS = 8  # of one connection; OpenSSH's own default is 10
MOST_TUNNELS = 50  # through one connection to a jump host; they are not sessions
IDLE_SECONDS = 60.0
MOST_IDLE = 100  # each is a thread and a socket
SWEEP_SECONDS = 5.0


@dataclass
class Connection:
    transport: paramiko.Transport
    via: "Connection | None"
    users: int = 1
    sessions: int = 0  # of them, those that the server has opened
    room: int = MOST_SESSIONS
    idle_since: float = 0.0

    @property
    def usable(self) -> bool:
        return self.transport.is_active() and (self.via is None or self.via.usable)


@dataclass
class _Shelf:
    """The connections to one target with one set of credentials."""

    connections: list[Connection] = field(default_factory=list)
    opening: threading.Lock = field(default_factory=threading.Lock)
    visitors: int = 0  # who are about to take from it
    failure: CannotConnect | None = None
    failed_at: float = 0.0


class Pool:
    """Safe to use from many threads."""

    def __init__(
        self,
        *,
        timeouts: Timeouts,
        most_sessions: int = MOST_SESSIONS,
        idle_seconds: float = IDLE_SECONDS,
        most_idle: int = MOST_IDLE,
    ) -> None:
        self._timeouts = timeouts
        self._most_sessions = most_sessions
        self._idle_seconds = idle_seconds
        self._most_idle = most_idle
        self._salt = os.urandom(16)
        self._lock = threading.Lock()
        self._shelves: dict[bytes, _Shelf] = {}
        self._stopped = threading.Event()
        self._sweeper: threading.Thread | None = None

    def take(self, target: Target, *, room: int | None = None) -> Connection:
        """A connection with a place for one more; give it back. Raises CannotConnect."""
        since = time.monotonic()
        shelf = self._visited_shelf(target)
        try:
            with shelf.opening:  # those who come while it is being opened use it, or share its failure
                found = self._with_room(shelf)
                if found is not None:
                    return found
                if shelf.failure is not None and shelf.failed_at > since:
                    raise shelf.failure
                return self._open(shelf, target, room or self._most_sessions)
        finally:
            with self._lock:
                shelf.visitors -= 1

    def opened(self, connection: Connection) -> None:
        """The server has opened a session over it."""
        with self._lock:
            connection.sessions += 1

    def give_back(self, connection: Connection, *, sessions: int = 0) -> None:
        """Who took it does not need it any more, nor the session that was opened over it, if one was."""
        with self._lock:
            connection.users -= 1
            connection.sessions -= sessions
            connection.idle_since = time.monotonic()
            many = len(self._shelves) > self._most_idle
        if many or not connection.room or not connection.usable:
            self.sweep()

    def full(self, connection: Connection) -> None:
        """The server takes no more sessions over it than it has now."""
        with self._lock:
            connection.room = min(connection.room, max(connection.sessions, 1))

    def retire(self, connection: Connection) -> None:
        """It does not answer: nobody is given it any more. Who still uses it finds out for himself."""
        with self._lock:
            connection.room = 0

    def sweep(self) -> None:
        """Closes what is dead, and what nobody has used for long; the oldest first where there are too many."""
        closing = self._take_out(time.monotonic() - self._idle_seconds)
        for connection in closing:
            hang_up(connection.transport)
            if connection.via is not None:
                self.give_back(connection.via)

    def stop(self) -> None:
        with self._lock:
            shelves, self._shelves = list(self._shelves.values()), {}
            self._stopped.set()
            self._stopped, self._sweeper = threading.Event(), None
        for shelf in shelves:
            for connection in shelf.connections:
                hang_up(connection.transport)

    def open_connections(self) -> int:
        with self._lock:
            return sum(len(shelf.connections) for shelf in self._shelves.values())

    def _visited_shelf(self, target: Target) -> _Shelf:
        with self._lock:
            if self._sweeper is None:
                self._sweeper = threading.Thread(
                    target=self._sweep_until, args=(self._stopped,), name="opsaas-ssh-sweeper", daemon=True
                )
                self._sweeper.start()
            shelf = self._shelves.setdefault(self._key(target), _Shelf())
            shelf.visitors += 1
            return shelf

    def _key(self, target: Target) -> bytes:
        """Who differs in anything but the name gets a connection of his own. No secret can be told from it."""
        parts: list[object] = []
        hop: Target | None = target
        while hop is not None:
            parts.append((hop.host, hop.port, hop.user, hop.host_keys, hop.private_key, hop.password))
            hop = hop.jump
        return hashlib.blake2b(repr(parts).encode(), key=self._salt).digest()

    def _with_room(self, shelf: _Shelf) -> Connection | None:
        with self._lock:
            for connection in shelf.connections:
                if connection.users < connection.room and connection.usable:
                    connection.users += 1
                    return connection
        return None

    def _open(self, shelf: _Shelf, target: Target, room: int) -> Connection:
        via = None
        try:
            via = self.take(target.jump, room=MOST_TUNNELS) if target.jump is not None else None
            transport = connect(target, via=via.transport if via else None, timeouts=self._timeouts)
        except CannotConnect as failure:
            shelf.failure, shelf.failed_at = failure, time.monotonic()
            if via is not None:
                self.give_back(via)
            raise
        connection = Connection(transport=transport, via=via, room=room)
        with self._lock:
            shelf.connections.append(connection)
        return connection

    def _take_out(self, idle_before: float) -> list[Connection]:
        with self._lock:
            every = [(shelf, connection) for shelf in self._shelves.values() for connection in shelf.connections]
            idle = sorted((one.idle_since for _, one in every if one.users == 0 and one.usable), reverse=True)
            oldest = max([idle_before, *idle[self._most_idle : self._most_idle + 1]])
            out = [
                (shelf, one)
                for shelf, one in every
                if not one.usable or (one.users == 0 and (one.idle_since <= oldest or not one.room))
            ]
            for shelf, connection in out:
                shelf.connections.remove(connection)
            for key in [key for key, shelf in self._shelves.items() if not shelf.connections and not shelf.visitors]:
                del self._shelves[key]
        return [connection for _, connection in out]

    def _sweep_until(self, stopped: threading.Event) -> None:
        while not stopped.wait(SWEEP_SECONDS):
            self.sweep()
