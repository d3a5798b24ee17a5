"""Following a run to its end: events wake, the log's bytes come by offset, a lost connection resumes."""

import json
import random
import re
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

import httpx

from runbooks.cli.client import API, Client, Json
from runbooks.cli.failures import (
    ERROR,
    INTERRUPTED,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_SIGNED_IN,
    OPSAAS_FAILED,
    Failure,
    Unreachable,
)
from runbooks.cli.output import LogSink, say
from runbooks.cli.problems import Refused
from runbooks.cli.sse import Event, Parser
from runbooks.cli.terminal import clean_line
from runbooks.cli.verdict import FINAL, summary_of

PATIENCE = 120.0  # seconds to go on trying after the connection was lost
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
POLL_SECONDS = 1.0

T = TypeVar("T")

_CODE_OF_REFUSAL = {401: NOT_ALLOWED, 403: NOT_ALLOWED, 404: NOT_FOUND}


def follow(*, client: Client, run_id: str, sink: LogSink | None, patience: float, just_started: bool) -> Json:
    """The run, once it has ended. Its log goes to SINK, its status to standard error."""
    follower = Follower(client=client, run_id=run_id, sink=sink, patience=patience)
    try:
        if not just_started:
            with_follow_codes(follower.look)  # without patience: a wrong id or address is told at once
        run = with_follow_codes(follower.to_the_end)
    except KeyboardInterrupt:
        raise Failure(detached(run_id), exit_code=INTERRUPTED) from None
    finally:
        if sink is not None:
            sink.finish()
    say(f"opsaas: {summary_of(run)}")
    return run


def with_follow_codes(act: Callable[[], T]) -> T:
    """ACT, its failures given those exit codes that cannot be mistaken for the script's own."""
    try:
        return act()
    except Failure as failure:
        raise Failure(str(failure), exit_code=_follow_code(failure)) from failure
    except OSError as error:
        raise Failure(f"The output could not be written: {error.strerror}.", exit_code=OPSAAS_FAILED) from error


def _follow_code(failure: Failure) -> int:
    if isinstance(failure, Refused):
        return _CODE_OF_REFUSAL.get(failure.status, OPSAAS_FAILED)
    return {ERROR: OPSAAS_FAILED, NOT_SIGNED_IN: NOT_ALLOWED}.get(failure.exit_code, failure.exit_code)


def detached(run_id: str) -> str:
    return (
        f"\nopsaas: no longer following; run {run_id} goes on.\n"
        f"  come back: opsaas runs follow {run_id}\n"
        f"  stop it:   opsaas runs cancel {run_id}"
    )


class Follower:
    def __init__(self, *, client: Client, run_id: str, sink: LogSink | None, patience: float) -> None:
        self._client = client
        self._run_id = run_id
        self._path = f"{API}/runs/{quote(run_id, safe='')}"
        self._sink = sink
        self._patience = patience
        self._offset = 0  # of the log's bytes: all before it are written
        self._last_id = ""
        self._last_sign_of_life = time.monotonic()
        self._pause = FIRST_PAUSE
        self._lost = False
        self._said = ""
        self._may_see_events = True

    def look(self) -> Json:
        run = self._client.get(self._path)
        self._last_sign_of_life = time.monotonic()
        self._tell_status(run)
        return run

    def to_the_end(self) -> Json:
        while True:
            try:
                if run := self._attempt():
                    return run
            except (Unreachable, Refused) as failure:
                self._bear(failure)
            time.sleep(self._pause * random.uniform(0.7, 1.0))  # noqa: S311  apart, not secret
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _attempt(self) -> Json | None:
        """One connection's worth of following; the run if it has ended."""
        if self._may_see_events:
            self._watch_events()
        else:
            self._pause = POLL_SECONDS
        run = self.look()
        if run.get("status") not in FINAL:
            return None
        self._fetch_log()
        return run

    def _watch_events(self) -> None:
        """Returns when the stream ends, whatever the reason: the caller looks at the run itself."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._last_id} if self._last_id else {})
        parser = Parser(last_id=self._last_id)
        try:
            with self._client.stream(f"{self._path}/events", headers=headers) as answer:
                if answer.status_code == httpx.codes.OK:
                    for chunk in answer.iter_raw():
                        self._alive()
                        for event in parser.feed(chunk):
                            self._take(event)
                            self._last_id = event.id
        except Refused as refusal:
            if refusal.status != httpx.codes.FORBIDDEN:
                raise
            self._may_see_events = False
            self._sink = None
            say(f"opsaas: only the run's status can be followed. {refusal}")

    def _take(self, event: Event) -> None:
        try:
            data = json.loads(event.data)
        except ValueError:
            return
        if event.kind == "status":
            self._tell_status(data)
        elif event.kind == "step":
            self._tell_step(data)
        elif event.kind == "output" and data.get("offset", 0) >= self._offset:
            self._fetch_log()

    def _fetch_log(self) -> None:
        """Writes what the log has beyond what was written, byte by byte as stored."""
        if self._sink is None:
            return
        headers = {"Accept": "text/plain", "Range": f"bytes={self._offset}-"}
        try:
            with self._client.stream(f"{self._path}/log", headers=headers) as answer:
                if answer.status_code in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
                    self._write_all(answer, self._sink)
        except Refused as refusal:
            if refusal.status != httpx.codes.FORBIDDEN:
                raise
            self._sink = None
            say(f"opsaas: the run's output is not shown. {refusal}")

    def _write_all(self, answer: httpx.Response, sink: LogSink) -> None:
        skip = self._offset - _first_byte(answer)
        if skip < 0:
            raise Unreachable(f"{answer.url} left out a part of the log.")
        for part in answer.iter_raw():
            kept = part[skip:]
            skip = max(0, skip - len(part))
            if kept:
                sink.write(kept)
                self._offset += len(kept)

    def _tell_status(self, run: Json) -> None:
        status = clean_line(str(run.get("status")))
        detail = clean_line(str(run.get("status_detail") or run.get("detail") or ""))  # of a run, of an event
        said = f"{status.replace('_', ' ')}{f': {detail}' if detail else ''}"
        if status not in FINAL and said != self._said:
            say(f"opsaas: run {self._run_id} is {said}")
        self._said = said

    @staticmethod
    def _tell_step(step: Json) -> None:
        where = f" on {step['node']}" if step.get("node") else ""
        code = f" (exit code {step['exit_code']})" if step.get("exit_code") else ""
        detail = f": {step['detail']}" if step.get("detail") else ""
        say(clean_line(f"opsaas: step {step.get('step')}{where} {step.get('status')}{code}{detail}"))

    def _alive(self) -> None:
        self._last_sign_of_life = time.monotonic()
        self._pause = FIRST_PAUSE
        self._lost = False

    def _bear(self, failure: Unreachable | Refused) -> None:
        """Gives up if another attempt is useless or the patience at its end."""
        if isinstance(failure, Refused) and not failure.passing:
            raise failure
        if time.monotonic() - self._last_sign_of_life + self._pause > self._patience:
            raise Failure(f"{failure}\nGave up.{detached(self._run_id)}", exit_code=OPSAAS_FAILED) from failure
        if not self._lost:
            say("opsaas: connection lost, resuming")
        self._lost = True


def _first_byte(answer: httpx.Response) -> int:
    """Where in the log the answer begins; a server may answer a range with the whole."""
    if answer.status_code == httpx.codes.OK:
        return 0
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    if found is None:
        raise Unreachable(f"{answer.url} does not say which part of the log it sent.")
    return int(found.group(1))
