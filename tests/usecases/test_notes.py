"""Notes about a run: by those who see what it writes, for good."""

import pytest
from django.db import DatabaseError, transaction

from runbooks.live.follow import events_after
from runbooks.models import AuditEvent, Note
from tests.world import World


def test_a_note_is_kept_shown_and_audited(world: World) -> None:
    run, runner = world.executed(world.started()), world.client("runner")
    made = runner("POST", f"/runs/{run.pk}/notes", {"text": " saw it\nhang <b> \n"})
    assert made.status_code == 201
    assert made.json()["text"] == "saw it\nhang <b>"
    [listed] = runner("GET", f"/runs/{run.pk}/notes").json()["results"]
    assert listed == made.json()
    assert listed["author"] == "runner"
    assert "hang &lt;b&gt;" in world.browser("owner").get(f"/runs/{run.pk}").content.decode()
    assert AuditEvent.objects.get(action="run.noted").object_id == str(run.pk)


def test_those_who_watch_hear_of_it_and_others_do_not(world: World) -> None:
    run = world.started()
    world.client("runner")("POST", f"/runs/{run.pk}/notes", {"text": "careful"})
    told = [event.data["text"] for event in events_after(run_id=run.pk, seq=0) if event.kind == "note"]
    assert told == ["careful"]
    assert "note" not in {event.kind for event in events_after(run_id=run.pk, seq=0, output=False)}
    assert "careful" not in world.browser("author").get(f"/runs/{run.pk}").content.decode()


def test_the_stream_of_a_run_that_has_ended_stays_as_it_is(world: World) -> None:
    run = world.executed(world.started())
    last = run.event_seq
    world.client("runner")("POST", f"/runs/{run.pk}/notes", {"text": "done"})
    run.refresh_from_db()
    assert run.event_seq == last


@pytest.mark.parametrize("text", ["", "  \n", "x" * 10_001, "a\0b", "\ud800", None, 5])
def test_what_is_no_note_is_refused_at_its_field(world: World, text: object) -> None:
    run = world.started()
    answer = world.client("runner")("POST", f"/runs/{run.pk}/notes", {"text": text})
    assert answer.status_code == 400
    assert not Note.objects.exists()


def test_the_page_takes_a_note(world: World) -> None:
    run, browser = world.started(), world.browser("runner")
    answer = browser.post(f"/runs/{run.pk}/notes", {"text": "by page"})
    assert answer["Location"] == f"/runs/{run.pk}#notes"
    assert Note.objects.get().text == "by page"
    assert browser.post(f"/runs/{run.pk}/notes", {"text": ""}).status_code == 400


def test_nothing_of_it_can_be_changed(world: World) -> None:
    run = world.started()
    world.client("runner")("POST", f"/runs/{run.pk}/notes", {"text": "first"})
    with pytest.raises(DatabaseError), transaction.atomic():
        Note.objects.update(text="other")
    with pytest.raises(DatabaseError), transaction.atomic():
        Note.objects.get().delete()
