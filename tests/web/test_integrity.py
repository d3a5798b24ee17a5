"""The page that shows whether the log is whole, empty and full."""

from django.utils import timezone

from runbooks.access.fetch import installation
from runbooks.audit.record import record
from runbooks.models import AuditPlace
from tests.audit.trees import KEY, add_events, checkpointed
from tests.web.helpers import main_text
from tests.world import World


def seen(world: World) -> str:
    return main_text(world.browser("auditor").get("/audit/integrity"))


def test_before_the_first_checkpoint_it_says_what_is_missing(world: World) -> None:
    text = seen(world)
    assert "none yet: the scheduler makes one a minute, if it has a key" in text
    assert "none: who owns this machine could rewrite everything" in text
    assert "Export for the verifier" not in text


def test_it_shows_checkpoint_key_and_what_waits(world: World) -> None:
    made = checkpointed()
    add_events(world)
    world.give("auditor", installation(), "audit")
    text = seen(world)
    assert f"Last checkpoint {made.size} " in text
    assert "2 wait for the next checkpoint" in text
    assert f"{KEY.public()}" in text
    assert "Export for the verifier" in text


def test_a_place_that_fails_is_named_with_its_error_escaped(world: World) -> None:
    checkpointed()
    now = timezone.now()
    AuditPlace.objects.create(name="https://away", failing_since=now, last_error="<b>refused</b>", attempts=3)
    AuditPlace.objects.create(name="file:/kept", sent_at=now, sent_to=7)
    answer = world.browser("auditor").get("/audit/integrity")
    assert b"<b>refused" not in answer.content
    text = main_text(answer)
    assert "one fails" in text
    assert "fails <b>refused</b> since" in text
    assert "3 attempts" in text
    assert "works" in text


def test_a_log_that_contradicts_what_was_signed_is_said_at_the_top(world: World) -> None:
    checkpointed()
    assert "does not match" not in seen(world)
    record(actor=None, action="audit.checkpoint_refused", thing=installation(), now=timezone.now(), outcome="failed")
    assert "The log does not match what was signed" in seen(world)
