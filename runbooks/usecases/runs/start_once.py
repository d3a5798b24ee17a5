"""Starting from a page: a double click is one run, and a run that is under way already is asked about first."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.utils.crypto import salted_hmac

from runbooks.access.actors import Actor
from runbooks.models import Run, Runbook
from runbooks.queries.runs import running_like
from runbooks.usecases.idempotency import Answer, once
from runbooks.usecases.runs.start import Request, start


class AlreadyRunning(Exception):
    """A run of this runbook has not ended yet."""

    def __init__(self, run: Run) -> None:
        super().__init__("A run of this runbook has not ended yet.")
        self.run = run


@dataclass(frozen=True)
class Sending:
    """One sending of a form."""

    key: str  # the shown form's own: the same form with the same values starts one run, however often it is sent
    beside: str = ""  # id of the run under way that the person has seen and wants another beside


@dataclass(frozen=True)
class Started:
    run: Run
    repeated: bool  # it had been started by the same form before


def start_once(
    *, actor: Actor, runbook: Runbook, request: Request, sending: Sending, now: datetime, rerun_of: Run | None = None
) -> Started:
    """Raises AlreadyRunning, and what `start` raises."""

    def act() -> Answer:
        _ask_first(runbook=runbook, beside=sending.beside)
        run = start(actor=actor, runbook=runbook, request=request, rerun_of=rerun_of, now=now)
        return Answer(status=303, body=str(run.pk))

    fingerprint = _fingerprint(runbook=runbook, request=request)
    key = f"form:{sending.key}:{fingerprint[:32]}"
    answer = once(user=actor.user, key=key, fingerprint=fingerprint, act=act)
    return Started(run=Run.objects.get(pk=str(answer.body)), repeated=answer.repeated)


def _ask_first(*, runbook: Runbook, beside: str) -> None:
    """Of two people at once the second waits here and then sees the first one's run."""
    Runbook.objects.select_for_update().get(pk=runbook.pk)
    other = running_like(runbook=runbook)
    if other and str(other.pk) != beside:
        raise AlreadyRunning(other)


def _fingerprint(*, runbook: Runbook, request: Request) -> str:
    said = [str(runbook.pk), dict(request.values), request.reason, request.number, request.targets]
    # Keyed: a plain hash of all that was typed could be guessed at, and a part of that may be secret.
    return salted_hmac("runbooks.start_once", json.dumps(said, sort_keys=True), algorithm="sha256").hexdigest()
