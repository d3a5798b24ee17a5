"""The event stream of a run: who gets which bytes of it, from where on, and until when."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from runbooks.api import stream
from runbooks.live import sink as sinks
from runbooks.live.append import append_output
from runbooks.models import AuditEvent, Run, Token
from runbooks.usecases.grants.revoke import revoke
from runbooks.usecases.people.accounts import disable
from tests.live.conftest import Writing
from tests.live.watching import Watcher
from tests.world import FakeExecutor, World

OUTPUT = "one\ntwo: é€😀\nthree"


@pytest.fixture
def watcher(monkeypatch: pytest.MonkeyPatch) -> Watcher:
    watcher = Watcher()
    watcher.attach(monkeypatch)
    return watcher


@pytest.fixture
def finished(world: World) -> Run:
    return world.executed(world.started(), FakeExecutor(output=OUTPUT.encode()))


def bearer(world: World, name: str, **more: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {world.token(name, **more)}"}


def events_of(run: Run) -> str:
    return f"/runs/{run.pk}/events"


def test_a_finished_run_is_told_from_beginning_to_end(world: World, watcher: Watcher, finished: Run) -> None:
    watcher.watch(events_of(finished), bearer(world, "runner"))
    assert watcher.status == 200
    assert watcher.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert watcher.ids == list(range(1, finished.event_seq + 1))
    assert watcher.text == OUTPUT
    assert watcher.events[-1].kind == "status"
    assert watcher.events[-1].data["status"] == "succeeded"


@pytest.mark.parametrize("way", ["header", "address"])
def test_a_watcher_resumes_after_any_event_without_gap_or_repeat(
    world: World, monkeypatch: pytest.MonkeyPatch, finished: Run, way: str
) -> None:
    for last in range(finished.event_seq):
        watcher = Watcher()
        watcher.attach(monkeypatch)
        head = {"last-event-id": str(last)} if way == "header" else {}
        address = events_of(finished) + ("" if head else f"?last_event_id={last}")
        watcher.watch(address, bearer(world, "runner") | head)
        assert watcher.ids == list(range(last + 1, finished.event_seq + 1))


def test_who_has_the_whole_is_told_not_to_come_again(world: World, watcher: Watcher, finished: Run) -> None:
    last = str(finished.event_seq)
    watcher.watch(events_of(finished), bearer(world, "runner") | {"last-event-id": last})
    assert (watcher.status, watcher.body) == (204, b"")


@pytest.mark.parametrize("nonsense", ["-1", "x", "1.5", "²", "9" * 40, ""])
def test_a_last_event_id_that_makes_no_sense_means_from_the_beginning(
    world: World, watcher: Watcher, finished: Run, nonsense: str
) -> None:
    watcher.watch(events_of(finished), bearer(world, "runner") | {"last-event-id": nonsense})
    assert watcher.ids[0] == 1


def test_a_watcher_sees_what_is_written_while_it_watches(world: World, watcher: Watcher, writing: Writing) -> None:
    words, at = ["first\n", "second\n", "third\n"], itertools.accumulate([0, 6, 7])
    acts = [_append(writing, start, word) for start, word in zip(at, words, strict=True)]
    watcher.between = [_nothing, *acts]
    watcher.watch(events_of(writing.run), bearer(world, "runner"), leave_after=writing.run.event_seq + 3)
    assert watcher.text == "".join(words)
    assert watcher.ids == list(range(1, writing.run.event_seq + 4))


def test_no_event_carries_half_a_character_even_when_bytes_arrive_one_by_one(
    world: World, watcher: Watcher, writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "FLUSH_SECONDS", -1.0)
    sink, text = writing.sink(), "é€😀" * 20
    watcher.between = [_write(sink, bytes([byte])) for byte in text.encode()]
    last = writing.run.event_seq + len(text)
    watcher.watch(events_of(writing.run), bearer(world, "runner"), leave_after=last)
    assert watcher.text == text


def test_an_auditor_with_output_and_the_runner_see_the_same_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch, finished: Run
) -> None:
    seen = []
    for name in ("runner", "auditor", "owner"):
        watcher = Watcher()
        watcher.attach(monkeypatch)
        seen.append(watcher.watch(events_of(finished), bearer(world, name)).body)
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("name", ["author", "admin"])
def test_without_the_right_to_output_one_sees_how_it_goes_but_not_a_byte(
    world: World, watcher: Watcher, finished: Run, name: str
) -> None:
    watcher.watch(events_of(finished), bearer(world, name))
    assert {event.kind for event in watcher.events} == {"status", "step"}
    assert watcher.events[-1].id == finished.event_seq
    assert OUTPUT.encode()[:3] not in watcher.body


def test_a_token_without_the_scope_sees_no_output_either(world: World, watcher: Watcher, finished: Run) -> None:
    watcher.watch(events_of(finished), bearer(world, "runner", scopes=("view",)))
    assert watcher.text == ""
    assert watcher.events[-1].data["status"] == "succeeded"


def test_a_signed_in_browser_may_watch(world: World, watcher: Watcher, finished: Run) -> None:
    session = world.browser("runner").cookies[settings.SESSION_COOKIE_NAME].value
    watcher.watch(events_of(finished), {"cookie": f"{settings.SESSION_COOKIE_NAME}={session}"})
    assert watcher.text == OUTPUT


@pytest.mark.parametrize("head", [{}, {"authorization": "Bearer opsaas_nonsense"}, {"cookie": "opsaas_session=none"}])
def test_nobody_is_asked_who_they_are(watcher: Watcher, finished: Run, head: dict[str, str]) -> None:
    watcher.watch(events_of(finished), head)
    assert watcher.status == 401
    assert watcher.headers["www-authenticate"] == "Bearer"
    assert watcher.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("run_id", ["{run}", "01890000-0000-7000-8000-000000000000", "nonsense"])
def test_a_stranger_can_not_tell_a_hidden_run_from_none(
    world: World, watcher: Watcher, finished: Run, run_id: str
) -> None:
    address = f"/runs/{run_id.format(run=finished.pk)}"
    watcher.watch(f"{address}/events", bearer(world, "stranger"))
    there = world.client("stranger")("GET", address).json()
    varying = ("instance", "request_id")
    assert watcher.status == 404
    assert {**watcher.problem, **dict.fromkeys(varying)} == {**there, **dict.fromkeys(varying)}
    assert watcher.problem.keys() == there.keys()


def test_watching_is_in_the_log_and_so_is_being_refused(world: World, watcher: Watcher, finished: Run) -> None:
    watcher.watch(events_of(finished), bearer(world, "auditor"))
    watcher.watch(events_of(finished), bearer(world, "stranger"))
    read = AuditEvent.objects.filter(action="run.output_read", object_id=str(finished.pk))
    found = sorted(read.values_list("actor_name", "outcome"))
    assert [name for name, _ in found if name in {"auditor", "stranger"}] == ["auditor", "stranger"]
    assert dict(found)["auditor"] == "done"
    assert dict(found)["stranger"] != "done"


def _disabled(world: World) -> None:
    disable(actor=world.actor("admin"), account=world.user("runner"), now=timezone.now())


def _revoked(world: World) -> None:
    revoke(actor=world.actor("admin"), grant=world.user("runner").grants.get(), now=timezone.now())


def _token_ended(world: World) -> None:
    Token.objects.filter(user=world.user("runner")).update(revoked_at=timezone.now())


@pytest.mark.parametrize("loss", [_disabled, _revoked, _token_ended])
def test_who_loses_the_right_while_watching_receives_nothing_more(
    world: World, watcher: Watcher, writing: Writing, monkeypatch: pytest.MonkeyPatch, loss: Callable[[World], None]
) -> None:
    monkeypatch.setattr(stream, "RECHECK_SECONDS", -1.0)
    before, after = _append(writing, 0, "for you\n"), _append(writing, 8, "not for you\n")
    watcher.between = [before, _nothing, _nothing, _both(lambda: loss(world), after)]
    watcher.watch(events_of(writing.run), bearer(world, "runner"))
    assert watcher.text == "for you\n"


def _signed_out(world: World, browser: Client) -> None:
    browser.session.flush()


def _changed_password(world: World, browser: Client) -> None:
    person = world.user("runner")
    person.set_password("another one altogether")
    person.save()


@pytest.mark.parametrize("loss", [_signed_out, _changed_password])
def test_who_signs_out_while_watching_receives_nothing_more(
    world: World,
    watcher: Watcher,
    writing: Writing,
    monkeypatch: pytest.MonkeyPatch,
    loss: Callable[[World, Client], None],
) -> None:
    monkeypatch.setattr(stream, "RECHECK_SECONDS", -1.0)
    browser = world.browser("runner")
    session = browser.cookies[settings.SESSION_COOKIE_NAME].value
    before, after = _append(writing, 0, "for you\n"), _append(writing, 8, "not for you\n")
    watcher.between = [before, _nothing, _nothing, _both(lambda: loss(world, browser), after)]
    watcher.watch(events_of(writing.run), {"cookie": f"{settings.SESSION_COOKIE_NAME}={session}"})
    assert watcher.text == "for you\n"


def test_a_run_that_never_rests_does_not_hide_the_loss_of_the_right(
    world: World, watcher: Watcher, writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "RECHECK_SECONDS", -1.0)
    writes = [_append(writing, 2 * number, ".\n") for number in range(40)]
    watcher.between = [*writes[:9], _both(lambda: _disabled(world), writes[9]), *writes[10:]]
    watcher.watch(events_of(writing.run), bearer(world, "runner"))
    assert len(watcher.text) <= 20


def _nothing() -> None:
    return


def _both(one: Callable[[], None], other: Callable[[], None]) -> Callable[[], None]:
    def act() -> None:
        one()
        other()

    return act


def _append(writing: Writing, at: int, text: str) -> Callable[[], None]:
    return lambda: append_output(key=writing.key, at=at, data=text.encode(), now=timezone.now())


def _write(sink: sinks.DatabaseSink, data: bytes) -> Callable[[], None]:
    return lambda: sink.write(data)
