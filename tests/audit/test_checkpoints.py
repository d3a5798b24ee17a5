"""Checkpoints: made when the log grew, by keys that the log itself tells of, over a tree that is stored bit by bit."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from runbooks.audit import verifier
from runbooks.audit.checkpoint import make_checkpoint
from runbooks.audit.tree import Tree
from runbooks.domain.merkle import Complete, folded, root
from runbooks.domain.signed_notes import SigningKey
from runbooks.models import AuditCheckpoint, AuditEvent, AuditKey, AuditLeaf, AuditSubtree
from tests.audit.trees import KEY, OTHER_KEY, add_events, checkpointed, exported, mth, verified
from tests.world import World


def test_a_checkpoint_covers_all_that_was_committed_and_is_made_once(world: World) -> None:
    made = checkpointed()
    assert made.size == AuditLeaf.objects.count() == AuditEvent.objects.count()
    bodies = dict(AuditEvent.objects.values_list("pk", "body"))
    events = AuditLeaf.objects.order_by("seq").values_list("event_id", flat=True)
    assert bytes(made.root) == mth([bytes(bodies[one]) for one in events])
    assert make_checkpoint(keys=[KEY], now=timezone.now()) is None
    add_events(world)
    assert checkpointed().size == made.size + 1


def test_of_two_processes_that_sign_the_one_with_the_older_clock_reading_does_not_date_itself_back(
    world: World,
) -> None:
    now = timezone.now()
    first = checkpointed(now=now)
    add_events(world)
    second = checkpointed(now=now - timedelta(seconds=20))
    assert second.made_at == first.made_at
    assert verified().whole


def test_without_a_key_nothing_is_signed(world: World) -> None:
    add_events(world)
    assert make_checkpoint(keys=[], now=timezone.now()) is None
    assert not AuditCheckpoint.objects.exists()


def test_a_new_key_is_told_of_in_the_log_and_both_sign_while_both_are_there(world: World) -> None:
    checkpointed(keys=[KEY])
    checkpointed(keys=[OTHER_KEY, KEY])
    told = AuditEvent.objects.filter(action="audit.key_introduced").order_by("time")
    assert [str(key.public()) in bytes(event.body).decode() for key, event in zip([KEY, OTHER_KEY], told, strict=True)]
    add_events(world)
    checkpointed(keys=[OTHER_KEY])
    assert list(AuditKey.objects.order_by("first_used_at").values_list("public", flat=True)) == [
        str(KEY.public()),
        str(OTHER_KEY.public()),
    ]
    assert verified(key=None).whole
    with_the_old_alone = verified(key=KEY)
    assert [one.what for one in with_the_old_alone.findings if "not signed by a key that is trusted" in one.what]
    assert with_the_old_alone.checkpoints == 2


def over(leaves: list[bytes]) -> Complete:
    return lambda bits, index: folded(leaves[index << bits : (index + 1) << bits])


def test_stored_subtrees_give_the_root_that_the_leaves_give(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runbooks.audit.tree.BITS", 2)  # as 65,536 leaves would
    monkeypatch.setattr("runbooks.audit.tree.AT_ONCE", 3)
    for count in (7, 10, 71):
        add_events(world, count=count)
        made = checkpointed()
        leaves = [bytes(one) for one in AuditLeaf.objects.order_by("seq").values_list("leaf", flat=True)]
        whole = root(len(leaves), over(leaves))
        assert bytes(made.root) == whole
    assert set(AuditSubtree.objects.values_list("level", flat=True)) == {1, 2, 3}
    assert Tree().root_of(len(leaves)) == whole
    monkeypatch.setattr(AuditSubtree, "objects", AuditSubtree.objects.none())
    assert Tree().root_of(len(leaves)) == whole, "what is not stored is computed"


def test_the_export_of_a_whole_log_is_whole_and_the_stand_alone_file_says_so(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.executed(world.started())
    checkpointed()
    path = exported(tmp_path)
    assert verifier.main([str(path), "--key", str(KEY.public())]) == 0
    assert "The log is whole." in capsys.readouterr().out
    assert verifier.main([str(path)]) == 0
    assert "The keys are the export's own" in capsys.readouterr().out
    assert verifier.main([str(path), "--key", str(OTHER_KEY.public())]) == 1
    assert "is not signed by a key that is trusted here" in capsys.readouterr().out
    assert verifier.main([str(path), "--key", "nonsense"]) == 2
    assert verifier.main([str(tmp_path / "absent")]) == 2


@pytest.mark.parametrize("days", [-3, 3])
def test_an_event_whose_time_does_not_fit_is_named(world: World, days: int) -> None:
    checkpointed()
    add_events(world, now=timezone.now() + timedelta(days=days))
    made = checkpointed()
    (finding,) = verified().findings
    assert finding.seq == made.size - 1
    assert "does not fit the checkpoints around it" in finding.what


def managed(*words: str, keys: tuple[SigningKey, ...] = (KEY,)) -> str:
    out = StringIO()
    with override_settings(OPSAAS_AUDIT_KEYS=keys):
        call_command(*words, stdout=out)
    return out.getvalue()


def test_the_console_verifies_the_database_and_exports_it(world: World, tmp_path: Path) -> None:
    checkpointed()
    assert "The log is whole." in managed("audit_verify")
    with pytest.raises(CommandError, match="not whole"):
        managed("audit_verify", keys=(OTHER_KEY,))
    managed("audit_export", str(tmp_path / "log.jsonl"))
    assert verifier.main([str(tmp_path / "log.jsonl")]) == 0


def test_a_key_for_the_log_bears_the_logs_name(world: World) -> None:
    made = managed("make_audit_key")
    assert made.startswith("PRIVATE+KEY+log.example.org/audit+")
    with pytest.raises(CommandError, match="no spaces"):
        managed("make_audit_key", "--name", "two words")
