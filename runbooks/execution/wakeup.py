"""Signals as something that poll() can wait for, in single-threaded processes."""

import os
import signal

SPAWNER_GONE = signal.SIGUSR1  # what a warden gets when its spawner ends
# Service managers send some of these to every process of a service at once; what happens to the scripts then is for the
# worker to decide, and when it goes, its sockets close, and that ends all. They get handlers instead of being ignored,
# because ignored signals stay ignored in the script that is executed.
_SHRUGGED_OFF = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ)


class Wakeup:
    """A descriptor that becomes readable with each signal. Made once by the spawner; wardens inherit it."""

    def __init__(self) -> None:
        self.spawner_gone = False
        _heed_what_was_ignored()
        for number in (*_SHRUGGED_OFF, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.signal(SPAWNER_GONE, self._note_spawner_gone)
        self._open()

    def renew(self) -> None:
        """After a fork: a descriptor that is not shared with the parent."""
        os.close(self._read_end)
        os.close(self._write_end)
        self._open()

    def fileno(self) -> int:
        return self._read_end

    def drain(self) -> None:
        try:
            while len(os.read(self._read_end, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    def _open(self) -> None:
        self._read_end, self._write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)

    def _note_spawner_gone(self, *_: object) -> None:
        self.spawner_gone = True


def _heed_what_was_ignored() -> None:
    """A worker that a shell started in the background ignores some signals, and so would every script."""
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
