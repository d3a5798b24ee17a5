"""Somewhere that scripts run, and the executor that runs them there: what is the same for every executor."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from runbooks.domain.ports import Executor, Outcome, Target, Work
from runbooks.execution.local import LocalExecutor
from runbooks.execution.recipes import HOST, WITH_A_USER
from tests.execution.helpers import HeldLease, Running, Sink, folders, work


class Place:
    """`folder` is where the working folders are. Without a `target` it is the worker's own machine."""

    def __init__(self, executor: Executor, folder: Path, target: Target | None = None) -> None:
        self.executor = executor
        self.folder = folder
        self.target = target

    @property
    def where(self) -> str:
        """As sentences for people name it; nothing for the worker's own machine."""
        return f" on {self.target.name}" if self.target else ""

    def work(self, script: str, *interpreter: str, **changes: object) -> Work:
        return replace(work(script, *interpreter, **changes), target=self.target)

    def run(self, script: str, *interpreter: str, **changes: object) -> tuple[Outcome, Sink]:
        sink = Sink()
        piece = self.work(script, *interpreter, **changes)
        return self.executor.execute(work=piece, sink=sink, lease=HeldLease()), sink

    def start(self, script: str, *interpreter: str, lease: HeldLease | None = None, **changes: object) -> Running:
        return Running(self.executor, self.work(script, *interpreter, **changes), lease)

    def left(self) -> list[str]:
        return folders(self.folder)


@contextmanager
def local_executor(base_folder: Path, *, recipe: str) -> Iterator[LocalExecutor]:
    """Skips the test where this machine can't keep scripts apart by that RECIPE."""
    if recipe in WITH_A_USER and os.geteuid() != 0:
        pytest.skip("only root can give each script a user of its own")
    with LocalExecutor(base_folder=base_folder, recipes=(recipe, HOST)) as started:
        if recipe in started.ladder.refused:
            pytest.skip(f"this machine refuses {recipe}: {started.ladder.refused[recipe]}")
        yield started
