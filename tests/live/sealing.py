"""Output of several steps side by side, and everything that readers can see of it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from django.utils import timezone

from runbooks.live.append import StepKey, append_output
from runbooks.live.follow import chosen_steps, events_after, log_bytes, log_size
from runbooks.live.lines import lines, lines_from
from runbooks.models import Run, StepRun
from runbooks.storage.folder import FolderStorage
from runbooks.usecases.runs.seal import seal


class Ended(NamedTuple):
    run: Run
    folder: Path

    def seal(self) -> bool:
        sealed = seal(run=self.run, place=FolderStorage(self.folder), now=timezone.now())
        self.run.refresh_from_db()
        return sealed

    def file(self) -> Path:
        (found,) = self.folder.rglob("*.zst")
        return found


def write(run: Run, writes: list[tuple[int, bytes]], *, piece_bytes: int) -> None:
    """Each write goes to one of three steps. The run has ended afterwards, and no step runs any more."""
    first = run.step_runs.get()
    StepRun.objects.filter(pk=first.pk).update(status="running", lease_until=timezone.now(), fence=1)
    others = [_another(run, step, node) for step, node in [("copy", "web-1"), ("copy", "web-2")]]
    steps, at = [first, *others], [0, 0, 0]
    for step, data in writes:
        key = StepKey(run_id=run.pk, step_run_id=steps[step].pk, fence=1)
        append_output(key=key, at=at[step], data=data, now=timezone.now(), piece_bytes=piece_bytes)
        at[step] += len(data)
    end(run)


def end(run: Run) -> None:
    run.step_runs.filter(status="running").update(status="succeeded", lease_until=None)
    Run.objects.filter(pk=run.pk, status="queued").update(status="running")
    Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at=timezone.now())
    run.refresh_from_db()


def _another(run: Run, step: str, node: str) -> StepRun:
    row = StepRun(run=run, index=1, step=step, node=node, status="running", lease_until=timezone.now(), fence=1)
    row.save()
    return row


def everything(run: Run) -> dict[str, Any]:
    """What each kind of reader gets."""
    ids = list(run.step_runs.values_list("pk", flat=True))
    choices = [None, chosen_steps(run=run, step="copy"), *([key] for key in ids)]
    sizes = [log_size(run=run, steps=steps) for steps in choices]
    spans = [(start, stop) for start in (0, 9, 40) for stop in (start + 1, start + 33)]
    return {
        "sizes": sizes,
        "logs": [b"".join(log_bytes(run=run, start=0, stop=s, steps=c)) for s, c in zip(sizes, choices, strict=True)],
        "ranges": [
            b"".join(log_bytes(run=run, start=start, stop=stop, steps=steps))
            for steps in choices
            for start, stop in spans
        ],
        "lines": [[json.dumps(line) for line in lines(run=run, steps=steps)] for steps in choices],
        "jumps": [list(lines_from(run=run, step_run=key, first=n, count=3)) for key in ids for n in (1, 2, 4)],
        "streams": [list(_stream(run, seq)) for seq in range(0, run.event_seq + 1, max(1, run.event_seq // 2))],
    }


def _stream(run: Run, seq: int) -> list[Any]:
    found: list[Any] = []
    while page := events_after(run_id=run.pk, seq=found[-1].seq if found else seq):
        found += page
    return found
