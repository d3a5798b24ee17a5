"""A claimed step run, and ways to write its output and to read it back."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from django.utils import timezone

from runbooks.live.append import StepKey
from runbooks.live.sink import DatabaseSink
from runbooks.models import OutputChunk, Run
from runbooks.usecases.runs.claim import claim
from tests.world import QuietFlusher, World


class Writing(NamedTuple):
    """A run whose one step has been claimed."""

    run: Run
    key: StepKey

    def sink(self, *, limit_bytes: int = 1 << 30) -> DatabaseSink:
        return DatabaseSink(
            key=self.key,
            limit_bytes=limit_bytes,
            patience_seconds=0,
            release=lambda: None,
            flusher=QuietFlusher(),
        )

    def chunks(self) -> list[OutputChunk]:
        return list(OutputChunk.objects.filter(run=self.run).order_by("seq"))

    def stored(self) -> bytes:
        return b"".join(bytes(chunk.data) for chunk in self.chunks())


@pytest.fixture
def claimed(world: World) -> Callable[[Run], Writing]:
    def take(run: Run) -> Writing:
        taken = claim(step_run_id=str(run.step_runs.get().pk), worker="test", now=timezone.now())
        assert taken
        run.refresh_from_db()
        return Writing(run=run, key=taken.key)

    return take


@pytest.fixture
def writing(world: World, claimed: Callable[[Run], Writing]) -> Writing:
    return claimed(world.started())
