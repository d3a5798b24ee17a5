"""Signals as something that poll() can wait for, in single-threaded processes."""

import os
import signal

SPAWNER_GONE = signal.SIGUSR1  # what a warden gets when its spawner ends
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)


class Wakeup:
    """Turns SIGCHLD and SPAWNER_GONE into a readable descriptor.

    SIGTERM and its like are ignored: service managers send them to every process of a service at once, and it is the
    worker that decides what happens to the scripts then. When it goes, its sockets close, and that ends all.
    """

    def __init__(self) -> None:
        self.spawner_gone = False
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self._write_end, False)
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(SPAWNER_GONE, self._note_spawner_gone)

    def fileno(self) -> int:
        return self._read_end

    def drain(self) -> None:
        try:
            while len(os.read(self._read_end, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        signal.set_wakeup_fd(-1)
        os.close(self._read_end)
        os.close(self._write_end)

    def _note_spawner_gone(self, *_: object) -> None:
        self.spawner_gone = True


def restore_defaults() -> None:
    """For a script about to be executed: ignored signals would stay ignored in it."""
    for number in (*_IGNORED, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
