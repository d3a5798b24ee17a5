"""One message that can't be written holds up no other."""

import logging
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from runbooks.audit.sequence import drain
from runbooks.domain.ports import Message, Receipt
from runbooks.models import AuditLeaf, Delivery, NoticeCursor, Run
from runbooks.usecases.notifications import announce_events as reader
from runbooks.usecases.notifications import announce_use as announcer
from runbooks.usecases.notifications.announce_events import announce_events
from runbooks.usecases.notifications.announce_use import announce_uses
from runbooks.usecases.notifications.compose import of_act as real_of_act
from runbooks.usecases.notifications.compose import of_end as real_of_end
from runbooks.usecases.notifications.deliver import deliver_due
from tests.world import FakeExecutor, World


def test_output_with_zero_bytes_is_told_of(world: World) -> None:
    run = world.executed(world.started(), FakeExecutor(output=b"a\0b \xff c"))
    assert announce_uses(now=timezone.now()) == 1
    texts = set(Delivery.objects.filter(run=run).values_list("text", flat=True))
    assert all("a\N{REPLACEMENT CHARACTER}b \N{REPLACEMENT CHARACTER} c" in text for text in texts)
    assert texts


def test_a_use_that_can_not_be_told_of_is_given_up_alone_and_seen(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hello, other = world.published(), world.published("other")
    runs = [world.executed(world.started(book)) for book in (hello, other, hello)]
    bad = runs[0]

    def of_end(run: Run) -> object:
        if run.pk == bad.pk:
            raise ValueError("its words: correct-horse-battery")
        return real_of_end(run)

    monkeypatch.setattr(announcer, "of_end", of_end)
    with caplog.at_level(logging.ERROR):
        assert announce_uses(now=timezone.now()) == 3
    assert announce_uses(now=timezone.now()) == 0
    (lost,) = Delivery.objects.filter(run=bad)
    assert (lost.channel, lost.next_attempt_at) == ("none", None)
    assert "could not be written" in lost.last_error
    assert all(Delivery.objects.filter(run=run, channel="email").count() == 2 for run in runs[1:])
    assert str(bad.pk) in caplog.text
    assert "horse" not in caplog.text


def test_a_database_that_is_away_gives_up_nobodys_message(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = world.executed(world.started())

    def away(_run: Run) -> object:
        raise OperationalError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(announcer, "of_end", away)
        with pytest.raises(OperationalError):
            announce_uses(now=timezone.now())
    assert not Delivery.objects.filter(run=run).exists()
    assert announce_uses(now=timezone.now()) == 1


def test_each_result_is_written_at_its_own_moment_and_a_broken_channel_fails_its_message_alone(world: World) -> None:
    world.executed(world.started())
    announce_uses(now=timezone.now())
    start, sent = timezone.now(), 0

    class Breaking:
        def send(self, message: Message) -> Receipt:
            nonlocal sent
            sent += 1
            if message.recipient == "owner@example.org":
                raise ZeroDivisionError("correct-horse-battery")
            return Receipt()

    def clock() -> datetime:
        """Seconds pass with each message."""
        return start + timedelta(seconds=sent)

    assert deliver_due(notifiers={"email": Breaking()}, clock=clock) == 2
    failed, taken = (Delivery.objects.get(recipient__username=name) for name in ("owner", "owner2"))
    assert "unexpected way (ZeroDivisionError)" in failed.last_error
    assert "horse" not in failed.last_error
    moments = {failed.tries.get().at, taken.tries.get().at}
    assert moments == {start + timedelta(seconds=1), start + timedelta(seconds=2)}
    assert taken.delivered_at == taken.tries.get().at


def test_a_denial_about_what_is_no_run_does_not_stop_the_reading_of_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.told_by_webhook(place="installation", events=["not_allowed", "requested"])
    assert world.client("runner")("POST", "/runs/nonsense/rerun", {}).status_code == 404
    run = world.started()
    drain()
    assert announce_events(now=timezone.now()) > 0
    assert Delivery.objects.filter(event="requested", run=run).count() == 1
    assert Delivery.objects.filter(event="not_allowed").count() == 1
    assert "given up" not in caplog.text


def test_an_act_that_can_not_be_told_of_is_passed_over_with_a_line_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.told_by_webhook(place="installation", events=["requested"])
    book = world.published()
    runs = [world.started(book) for _ in range(3)]

    def of_act(act: object, **more: object) -> object:
        if more["run"] == runs[1]:
            raise ValueError("its words: correct-horse-battery")
        return real_of_act(act, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(reader, "of_act", of_act)
    drain()
    with caplog.at_level(logging.ERROR):
        assert announce_events(now=timezone.now()) > 0
    assert {one.run_id for one in Delivery.objects.filter(event="requested")} == {runs[0].pk, runs[2].pk}
    last = AuditLeaf.objects.order_by("-seq").values_list("seq", flat=True).first()
    assert NoticeCursor.objects.get(pk=1).seq == last
    assert caplog.text.count("given up") == 1
    assert "horse" not in caplog.text
