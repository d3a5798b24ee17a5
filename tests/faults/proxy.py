"""A wire between the installation and a server of the machine: tests cut or hold the wire, never the server."""

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

BYTES = 65536


class Proxy:
    """Forwards TCP connections. `cut()` breaks those there are and refuses new ones, `hold()` keeps them open and moves
    no byte; `mend()` ends either."""

    def __init__(self, *, host: str, port: int) -> None:
        self._server = (host, port)
        self._listening: socket.socket | None = None
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._ending = False
        self._listening = self._listen(0)
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ending = True
        self._flowing.set()
        self._thread.join(10)
        self.cut()

    def cut(self) -> None:
        with self._lock:
            if self._listening:
                self._selector.unregister(self._listening)
                self._listening.close()
            self._listening = None
            for end in list(self._pairs):
                self._forget(end)

    def hold(self) -> None:
        self._flowing.clear()

    def mend(self) -> None:
        self._flowing.set()
        with self._lock:
            if self._listening is None:
                self._listening = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        listening = socket.create_server(("127.0.0.1", port), backlog=128)
        self._selector.register(listening, selectors.EVENT_READ)
        return listening

    def _run(self) -> None:
        while not self._ending:
            self._flowing.wait()
            ready = self._selector.select(0.05)
            with self._lock:
                for key, _ in ready:
                    self._move(key.fileobj)  # type: ignore[arg-type]

    def _move(self, source: socket.socket) -> None:
        if source is self._listening:
            self._connect(source)
        elif source in self._pairs:
            try:
                data = source.recv(BYTES)
                self._pairs[source].sendall(data)
            except OSError:
                data = b""
            if not data:
                self._forget(source)

    def _connect(self, listening: socket.socket) -> None:
        inner, _ = listening.accept()
        outer = socket.create_connection(self._server)
        for one, other in ((inner, outer), (outer, inner)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _forget(self, end: socket.socket) -> None:
        if end not in self._pairs:
            return
        for one in (end, self._pairs[end]):
            del self._pairs[one]
            self._selector.unregister(one)
            with contextlib.suppress(OSError):
                one.close()
