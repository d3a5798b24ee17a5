"""The spawner: a small single-threaded process beside a worker, which forks one warden per script.

It exists because a worker with a hundred threads can't fork safely, and a hundred executed Python interpreters would
take hundreds of megabytes: a fork of this one shares nearly all of its memory. Started by `link.SpawnerLink`.

Each request is one packet, the run's id on a line and the path of its folder on another, with two descriptors: the
warden's end of its channel and the write end of the script's output. The spawner keeps a copy of the channel until the
warden is gone, reaped and cleaned up after: when the worker sees the channel close, nothing of the run is left.

It ends when the worker's socket closes, after telling its wardens to end their scripts.
"""

import array
import gc
import os
import select
import signal
import socket
import sys
from typing import NoReturn

from runbooks.execution import folder, processes
from runbooks.execution.channel import Channel
from runbooks.execution.linux import become_subreaper, boottime
from runbooks.execution.title import set_title
from runbooks.execution.wakeup import SPAWNER_GONE, Wakeup
from runbooks.execution.warden import stand_over

LARGEST_REQUEST_BYTES = 65536
CLOSING_SECONDS = 20.0  # for wardens to end their scripts when the worker is gone
ORPHAN_SECONDS = 5.0  # how long we try to end what a killed warden left; the other runs wait meanwhile


class Spawner:
    def __init__(self, worker: socket.socket) -> None:
        self.worker = worker
        self.wakeup = Wakeup()
        self.wardens: dict[int, tuple[int, str]] = {}  # process id -> (our copy of its channel, its folder)
        self.kill_at: float | None = None  # when wardens that have not ended by then are killed

    def serve(self) -> None:
        poll = select.poll()
        poll.register(self.worker, select.POLLIN)
        poll.register(self.wakeup, select.POLLIN)
        while self.wardens or self.kill_at is None:
            for descriptor, _ in poll.poll(None if self.kill_at is None else 1000):
                if descriptor == self.wakeup.fileno():
                    self.wakeup.drain()
                elif not self._take_request():
                    poll.unregister(self.worker)
                    self._close()
            self._reap()
            self._insist()

    def _take_request(self) -> bool:
        """False once the worker is gone."""
        data, descriptors = _receive(self.worker)
        try:
            if data and len(descriptors) == 2:
                run_id, _, root = data.decode().partition("\n")
                self._fork_warden(run_id, root, *descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return bool(data)

    def _fork_warden(self, run_id: str, root: str, channel: int, output: int) -> None:
        spawner = os.getpid()
        try:
            kept = os.dup(channel)
            pid = os.fork()
        except OSError as error:
            Channel(channel).say("refused", error)
            return
        if pid == 0:
            self._let_go(kept)
            _become_warden(
                channel=Channel(channel), output=output, wakeup=self.wakeup, run_id=run_id, root=root, spawner=spawner
            )
        self.wardens[pid] = (kept, root)

    def _let_go(self, kept: int) -> None:
        """In a new warden: of all that belongs to the spawner and to other runs."""
        os.close(self.worker.fileno())
        os.close(kept)
        for other, _ in self.wardens.values():
            os.close(other)
        self.wakeup.renew()

    def _close(self) -> None:
        self.kill_at = boottime() + CLOSING_SECONDS
        for pid in self.wardens:
            processes.send(pid, SPAWNER_GONE)
            processes.send(pid, signal.SIGCONT)  # a script may have stopped its warden

    def _insist(self) -> None:
        if self.kill_at is not None and boottime() > self.kill_at:
            for pid in self.wardens:
                processes.send(pid, signal.SIGKILL)

    def _reap(self) -> None:
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid in self.wardens:
                    self._bury(*self.wardens.pop(pid), status)
        except ChildProcessError:
            return

    def _bury(self, channel: int, root: str, status: int) -> None:
        """Closing the channel tells the worker that nothing is left; so it comes last."""
        if status != 0:
            self._end_orphans()
            try:
                folder.remove(root)
            except OSError as error:
                print(f"The working folder {root} could not be removed: {error}", file=sys.stderr)
        os.close(channel)

    def _end_orphans(self) -> None:
        """Ends every child that is no warden: the kernel gives us what the script of a killed warden had started."""
        give_up_at = boottime() + ORPHAN_SECONDS
        while boottime() < give_up_at:
            orphans = [pid for pid in processes.children(os.getpid()) if pid not in self.wardens]
            if not orphans:
                return
            processes.kill(orphans)
            for pid in orphans:
                os.waitpid(pid, os.WNOHANG)
            select.select([self.wakeup], [], [], 0.01)
            self.wakeup.drain()


def _become_warden(*, channel: Channel, output: int, wakeup: Wakeup, run_id: str, root: str, spawner: int) -> NoReturn:
    status = 1
    try:
        stand_over(channel=channel, output=output, wakeup=wakeup, run_id=run_id, root=root, spawner=spawner)
        status = 0
    except BaseException:  # noqa: BLE001 (a child must never return into the spawner)
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _receive(worker: socket.socket) -> tuple[bytes, list[int]]:
    """One packet and its descriptors, none of which a script may inherit."""
    descriptors = array.array("i")
    space = socket.CMSG_SPACE(2 * descriptors.itemsize)
    try:
        data, ancillary, _, _ = worker.recvmsg(LARGEST_REQUEST_BYTES, space, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return b"", []
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    return data, list(descriptors)


def main(descriptor: int, lock: int) -> None:
    """`lock` is only held open: it says that working folders of this spawner may exist."""
    set_title("opsaas: spawner")
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    worker = socket.socket(fileno=descriptor)
    worker.set_inheritable(False)
    os.set_inheritable(lock, False)
    become_subreaper()
    spawner = Spawner(worker)
    gc.disable()
    gc.freeze()  # or the collector would touch, and so copy, all shared memory in each warden
    spawner.serve()
