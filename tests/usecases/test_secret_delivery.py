"""Secrets on their way: who vouches, what the script gets, and that nothing of it stays behind anywhere."""

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from runbooks.access.fetch import NotAllowed
from runbooks.domain.ports import Executor, Target, Work
from runbooks.domain.secrecy.masked import hidden_in
from runbooks.domain.secrecy.sealing import new_key, read_keyring
from runbooks.execution.local import LocalExecutor
from runbooks.models import Runbook, SecretReference, User
from runbooks.queries.secrets import used_by
from runbooks.usecases.grants.revoke import revoke
from runbooks.usecases.secrets.change import archive, rotate
from runbooks.usecases.versions.publish import publish
from runbooks.usecases.versions.review import review
from runbooks.usecases.versions.submit import submit
from tests.usecases.test_secrets import PATH, VALUE, everything_stored
from tests.world import FakeExecutor, World

LEAKS = """
echo "itself $DEPLOY_KEY and $(printf %s "$DEPLOY_KEY" | base64)"
cat "$KEY_FILE"; stat -c %a "$KEY_FILE"
for p in /proc/[0-9]*; do { tr '\\0' ' ' <$p/cmdline; } 2>/dev/null; done | grep -c 'hors[e]-batt' || true
echo "token=$DEPLOY_KEY" >>"$OPSAAS_OUTPUT_FILE"
echo "**$DEPLOY_KEY**" >"$OPSAAS_SUMMARY_FILE"
echo "broken $DEPLOY_KEY line" >>"$OPSAAS_OUTPUT_FILE"
cat "$OPSAAS_PARAMS_FILE"
"""
STEP = {
    "id": "main",
    "interpreter": ["sh"],
    "script": LEAKS,
    "secrets": {"DEPLOY_KEY": PATH, "KEY_FILE": {"secret": PATH, "as": "file"}},
}


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[Executor]:
    with LocalExecutor(base_folder=tmp_path / "work") as made:
        yield made


def book(world: World) -> Runbook:
    world.secret(value=VALUE)
    return world.published(steps=[STEP])


def refusal(world: World, call: Any) -> str:
    with pytest.raises(NotAllowed) as error:
        call()
    return " ".join(error.value.reasons)


def log_of(run: Any) -> bytes:
    return b"".join(bytes(chunk.data) for chunk in run.chunks.order_by("seq"))


def test_a_script_gets_its_secrets_and_nothing_of_them_is_kept(world: World, executor: Executor) -> None:
    run = world.executed(world.started(book(world)), executor)
    assert run.status == "succeeded", run.status_detail
    log = log_of(run)
    assert log == b"itself *** and ***\n***600\n0\n{}"
    step = run.step_runs.get()
    assert step.outputs == {"token": "***"}
    assert step.summary == "*******\n"
    assert "Line 2" in step.detail
    stored = everything_stored()
    for form in (VALUE.encode(), base64.b64encode(VALUE.encode()), VALUE.encode().hex().encode()):
        assert form not in stored


def test_a_plan_names_secrets_and_is_another_with_other_secrets(world: World) -> None:
    run = world.started(book(world))
    plan = json.loads(bytes(run.plan))
    assert plan["secrets"] == {"main.DEPLOY_KEY": PATH, "main.KEY_FILE": PATH}


def test_only_who_may_use_a_secret_can_approve_a_version_that_names_it(world: World) -> None:
    secret = world.secret()
    world.give("runner", world.project, "review")
    version = world.drafted(steps=[STEP])
    submit(actor=world.actor("author"), version=version, now=timezone.now())

    def approve(name: str) -> None:
        by = world.actor(name)
        review(actor=by, version=version, verdict="approve", comment="", digest=version.hash, now=timezone.now())

    absent = refusal(world, lambda: approve("runner"))
    assert PATH in absent
    world.give("runner", secret, "use")
    approve("runner")


def test_absent_archived_and_forbidden_secrets_answer_a_reviewer_alike(world: World) -> None:
    world.give("runner", world.project, "review")
    answers = set()
    world.secret("hidden")
    archive(actor=world.actor("owner"), secret=world.secret("archived"), now=timezone.now())
    for slug in ("hidden", "archived", "absent"):
        step = {**STEP, "secrets": {"KEY": f"payments/{slug}"}}
        version = world.drafted(f"with-{slug}", steps=[step])
        submit(actor=world.actor("author"), version=version, now=timezone.now())
        call = {"actor": world.actor("runner"), "version": version, "verdict": "approve", "comment": ""}
        answers.add(
            refusal(world, lambda c=call, v=version: review(**c, digest=v.hash, now=timezone.now())).replace(slug, "X")
        )
    assert len(answers) == 1


def test_a_run_is_refused_at_the_click_and_at_the_claim_once_nobody_vouches_any_more(world: World) -> None:
    runbook = book(world)
    run = world.started(runbook)
    for grant in world.user("owner").grants.all():
        revoke(actor=world.actor("admin"), grant=grant, now=timezone.now())
    executor = FakeExecutor()
    run = world.executed(run, executor)
    assert run.status == "refused"
    assert "approve or publish it again" in run.status_detail
    assert "approve or publish it again" in refusal(world, lambda: world.started(runbook))


def test_after_a_pause_somebody_still_has_to_vouch_for_what_the_next_step_gets(world: World) -> None:
    world.secret(value=VALUE)
    ask = {"id": "look", "manual": {"ask": "Go on?"}}
    run = world.executed(world.started(world.published(steps=[ask, STEP])))
    assert run.status == "waiting"
    for grant in world.user("owner").grants.all():
        revoke(actor=world.actor("admin"), grant=grant, now=timezone.now())
    step_run = run.step_runs.get(step="look")
    said = world.client("runner")("POST", f"/runs/{run.pk}/steps/{step_run.pk}/complete", {"verdict": "approve"})
    assert said.status_code == 202
    run = world.executed(run, FakeExecutor())
    assert (run.status, run.step_runs.get(step="main").started_at) == ("failed", None)
    assert "approve or publish it again" in run.status_detail


def test_a_disabled_reviewer_vouches_no_more_and_the_next_publisher_does(world: World) -> None:
    runbook = book(world)
    first = runbook.versions.get()
    publish(actor=world.actor("owner2"), version=world.approved(script="echo other"), now=timezone.now())
    User.objects.filter(username="owner").update(disabled_at=timezone.now())
    first.refresh_from_db()
    publish(actor=world.actor("owner2"), version=first, now=timezone.now())
    assert world.started(runbook).status == "queued"
    User.objects.filter(username="owner2").update(disabled_at=timezone.now())
    assert PATH in refusal(world, lambda: world.started(runbook))


def test_an_archived_secret_refuses_runs_and_a_rotated_one_does_not(world: World) -> None:
    runbook = book(world)
    secret = world.project.secrets.get()
    queued = world.started(runbook)
    rotate(actor=world.actor("owner"), secret=secret, value="another-value", now=timezone.now())
    assert world.started(runbook).status == "queued"
    archive(actor=world.actor("owner"), secret=secret, now=timezone.now())
    assert PATH in refusal(world, lambda: world.started(runbook))
    assert world.executed(queued).status == "refused"


def test_a_missing_master_key_fails_the_step_and_starts_nothing(world: World, settings: Any) -> None:
    run = world.started(book(world))
    before = django_settings.OPSAAS_SECRETS_KEYS
    settings.OPSAAS_SECRETS_KEYS = read_keyring([new_key()])
    run = world.executed(run)
    assert run.status == "failed"
    assert before.current in run.step_runs.get().detail
    assert log_of(run) == b""


def test_a_secret_tells_which_published_runbooks_use_it_to_those_who_see_them(world: World) -> None:
    runbook = book(world)
    secret = world.project.secrets.get()
    found = used_by(actor=world.actor("runner"), secrets=[secret], now=timezone.now())
    assert found == {PATH: [runbook]}
    world.give("stranger", secret, "use")
    assert used_by(actor=world.actor("stranger"), secrets=[secret], now=timezone.now()) == {}
    assert SecretReference.objects.count() == 2


def test_publishing_needs_somebody_who_vouches(world: World) -> None:
    world.secret()
    version = world.approved(steps=[STEP])
    for grant in world.user("owner").grants.all():
        revoke(actor=world.actor("admin"), grant=grant, now=timezone.now())
    world.give("runner", world.project, "review")
    assert PATH in refusal(world, lambda: publish(actor=world.actor("runner"), version=version, now=timezone.now()))
    publish(actor=world.actor("owner2"), version=version, now=timezone.now())


def test_no_process_of_ours_ever_has_it_in_its_command_line(world: World, executor: Executor, tmp_path: Path) -> None:
    """Seen from outside: a script may be in a place from where it sees no other process."""
    world.secret(value=VALUE)
    script = 'test -n "$DEPLOY_KEY" && sleep 1 && echo "$DEPLOY_KEY"'
    run = world.started(world.published(steps=[{**STEP, "script": script}]))
    seen: set[bytes] = set()
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(seen, done))
    watcher.start()
    try:
        run = world.executed(run, executor)
    finally:
        done.set()
        watcher.join()
    assert run.status == "succeeded"
    assert any(b"opsaas: warden" in line for line in seen)
    assert not any(VALUE.encode() in line for line in seen)
    assert VALUE.encode() not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def _watch(seen: set[bytes], done: threading.Event) -> None:
    while not done.wait(0.02):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                seen.add(path.read_bytes())


def test_keys_to_machines_are_masked_too() -> None:
    hop = Target(name="b", host="b", port=22, user="ops", host_keys=(), password="of-the-hop")
    target = Target(name="a", host="a", port=22, user="ops", host_keys=(), private_key="of-the-end", jump=hop)
    work = Work(
        run_id="r", step_run_id="s", step_id="main", node="a", attempt=1, actor="x", script="", script_name="main",
        interpreter=None, parameters={}, timeout_seconds=1, grace_seconds=1, target=target,
        secrets={"KEY": "in-a-variable"}, secret_files={"FILE": "in-a-file"},
    )  # fmt: skip
    assert sorted(hidden_in(work)) == ["in-a-file", "in-a-variable", "of-the-end", "of-the-hop"]
