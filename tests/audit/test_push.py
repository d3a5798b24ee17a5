"""Places outside are told of everything in order, each at its own pace; what fails is tried again and shown."""

import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from runbooks.audit.push import forget_others, push_checkpoints, push_events
from runbooks.domain.outposts import NotKept, Parcel
from runbooks.models import AuditEvent, AuditPlace
from tests.audit.trees import add_events, checkpointed
from tests.world import World


class Shelf:
    """A place that keeps, unless it is told to fail."""

    def __init__(self) -> None:
        self.kept: list[Parcel] = []
        self.tried, self.error = 0, ""

    def keep(self, parcel: Parcel) -> None:
        self.tried += 1
        if self.error:
            raise NotKept(self.error)
        self.kept.append(parcel)

    @property
    def sizes(self) -> list[int]:
        return [json.loads(parcel.lines[0])["size"] for parcel in self.kept]

    @property
    def seqs(self) -> list[int]:
        return [json.loads(line)["seq"] for parcel in self.kept for line in parcel.lines]


def push(shelf: Shelf, *, now: datetime | None = None) -> AuditPlace:
    push_checkpoints(places={"shelf": shelf}, now=now or timezone.now())
    return AuditPlace.objects.get(name="shelf")


def grown(world: World) -> int:
    add_events(world)
    return checkpointed().size


def test_a_new_place_begins_with_the_latest_checkpoint_and_then_gets_each_once(world: World) -> None:
    shelf = Shelf()
    grown(world)
    sizes = [grown(world)]
    push(shelf)
    sizes += [grown(world), grown(world)]
    for _ in range(2):
        place = push(shelf)
    assert shelf.sizes == sizes
    assert (place.sent_to, place.failing_since, place.attempts) == (sizes[-1], None, 0)


def test_a_place_before_the_first_checkpoint_waits_for_it(world: World) -> None:
    shelf = Shelf()
    push(shelf)
    assert shelf.tried == 0
    size = grown(world)
    push(shelf)
    assert shelf.sizes == [size]


def test_what_fails_waits_longer_each_time_and_misses_nothing(world: World) -> None:
    shelf, now = Shelf(), timezone.now()
    first = grown(world)
    shelf.error = "The server answered 503."
    for wait in (10, 30, 60, 120, 300, 600, 600):
        place = push(shelf, now=now)
        assert place.next_attempt_at == now + timedelta(seconds=wait)
        tried = shelf.tried
        push(shelf, now=now + timedelta(seconds=wait - 1))
        assert shelf.tried == tried, "it is left alone meanwhile"
        now += timedelta(seconds=wait)
    assert (place.attempts, place.last_error) == (7, "The server answered 503.")
    second = grown(world)
    shelf.error = ""
    place = push(shelf, now=now)
    assert shelf.sizes == [first, second]
    assert (place.attempts, place.failing_since, place.next_attempt_at, place.last_error) == (0, None, None, "")
    told = AuditEvent.objects.filter(action__startswith="audit.push_").order_by("time")
    assert list(told.values_list("action", flat=True)) == ["audit.push_failed", "audit.push_recovered"]


def test_one_place_that_fails_holds_up_no_other(world: World) -> None:
    good, bad, size = Shelf(), Shelf(), grown(world)
    bad.error = "away"
    push_checkpoints(places={"bad": bad, "good": good}, now=timezone.now())
    assert good.sizes == [size]


def test_a_place_that_another_process_is_sending_to_is_left_alone(world: World) -> None:
    shelf, now = Shelf(), timezone.now()
    grown(world)
    push(shelf)
    grown(world)
    AuditPlace.objects.update(next_attempt_at=now + timedelta(minutes=5))
    push(shelf, now=now)
    assert len(shelf.kept) == 1
    push(shelf, now=now + timedelta(minutes=6))
    assert len(shelf.kept) == 2, "the other died"


def test_events_are_streamed_from_now_on_each_once_with_their_numbers(world: World) -> None:
    shelf, now = Shelf(), timezone.now()
    before = AuditEvent.objects.count()
    push_events(places={"shelf": shelf}, now=now)
    add_events(world, count=450)
    for _ in range(2):
        push_events(places={"shelf": shelf}, now=now)
    assert shelf.seqs == list(range(before, before + 450))
    line = json.loads(shelf.kept[0].lines[0])
    assert (line["action"], line["actor"]["name"]) == ("test", "runner")
    assert AuditPlace.objects.get().name == "events to shelf"


def test_a_place_that_is_no_longer_named_is_forgotten(world: World) -> None:
    shelf = Shelf()
    grown(world)
    push(shelf)
    now = timezone.now()
    push_events(places={"shelf": shelf}, now=now)
    forget_others(checkpoints=[], events=["shelf"], now=now + timedelta(days=2))
    assert [place.name for place in AuditPlace.objects.all()] == ["events to shelf"]


def test_a_place_that_only_another_scheduler_names_keeps_its_cursor_however_little_happens(world: World) -> None:
    shelf, now = Shelf(), timezone.now()
    push_events(places={"shelf": shelf}, now=now)
    add_events(world)
    for hours in range(0, 60, 6):  # this one hears of nothing new most of the time
        later = now + timedelta(hours=hours)
        push_events(places={"shelf": shelf}, now=later)
        forget_others(checkpoints=["other"], events=["other"], now=later + timedelta(hours=5))
    place = AuditPlace.objects.get()
    assert (place.name, place.sent_to) == ("events to shelf", AuditEvent.objects.count())


@pytest.mark.parametrize("harm", [b'{"a":"\n"}', b"{}", b"[]", b"\xff"])
def test_a_body_that_was_made_unfit_by_hand_stays_one_line_of_json(world: World, harm: bytes) -> None:
    shelf, now = Shelf(), timezone.now()
    push_events(places={"shelf": shelf}, now=now)
    AuditEvent.objects.create(body=harm, time=now, action="test", outcome="done")
    push_events(places={"shelf": shelf}, now=now)
    assert len(shelf.kept[0].lines) == 1
    assert "\n" not in shelf.kept[0].lines[0]
    assert json.loads(shelf.kept[0].lines[0])["seq"] == AuditEvent.objects.count() - 1
