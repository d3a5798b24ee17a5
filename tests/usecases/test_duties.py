"""Who writes does not review, by any account; what runs is what somebody else has read."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from runbooks.access.fetch import NotAllowed
from runbooks.domain.policy import Decision
from runbooks.models import Grant, Project, Run, Token, Version
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.grants.revoke import revoke
from runbooks.usecases.people.accounts import disable
from runbooks.usecases.runs.rerun import rerun
from runbooks.usecases.runs.start import Request, start
from runbooks.usecases.versions.publish import publish
from runbooks.usecases.versions.review import may_review, review
from runbooks.usecases.versions.submit import submit
from tests.world import FakeExecutor, World

NOW = timezone.now


def _submitted(world: World, *, by: str = "author", script: str) -> Version:
    version = world.drafted(by=by, script=script)
    submit(actor=world.actor(by), version=version, now=NOW())
    return version


def _verdict(world: World, version: Version, *, by: str, verdict: str = "approve") -> None:
    actor = world.actor(by)
    review(actor=actor, version=version, verdict=verdict, comment="why", digest=version.hash, now=NOW())


def _may(world: World, version: Version, by: str) -> Decision:
    return may_review(actor=world.actor(by), version=version, now=NOW())


def test_no_account_of_the_author_reviews_and_no_author_reviews_what_their_account_wrote(world: World) -> None:
    world.give("robot", world.project, "edit", "review")
    world.give("author", world.project, "review")
    by_person = _submitted(world, script="by the person")
    assert not _may(world, by_person, "robot")
    _verdict(world, by_person, by="owner")
    publish(actor=world.actor("owner"), version=by_person, now=NOW())
    by_account = _submitted(world, by="robot", script="by the account")
    assert not _may(world, by_account, "author")
    assert _may(world, by_account, "owner")


def test_an_author_of_an_earlier_draft_does_not_review_a_later_one_until_one_is_published(world: World) -> None:
    world.drafted(by="owner", script="the owner's idea")
    second = _submitted(world, script="and the author's")
    assert not _may(world, second, "owner")
    _verdict(world, second, by="owner2")
    publish(actor=world.actor("owner"), version=second, now=NOW())
    assert _may(world, _submitted(world, script="something new"), "owner")


def test_who_drafts_what_is_there_already_changes_neither_its_author_nor_its_state(world: World) -> None:
    first = _submitted(world, script="the same")
    again = world.drafted(by="owner", script="the same")
    assert again.pk == first.pk
    assert (again.author.username, again.state) == ("author", "in_review")
    _verdict(world, first, by="owner2")
    assert world.drafted(by="owner", script="the same").state == "approved"


def test_what_was_approved_may_still_be_rejected_but_not_by_its_author_nor_turned_back(world: World) -> None:
    world.give("author", world.project, "review")
    version = world.approved()
    with pytest.raises(NotAllowed):
        _verdict(world, version, by="author", verdict="reject")
    _verdict(world, version, by="owner2", verdict="reject")
    with pytest.raises(NotAllowed):
        _verdict(world, version, by="owner")
    with pytest.raises(NotAllowed):
        publish(actor=world.actor("owner"), version=version, now=NOW())


def test_a_second_approval_is_a_conflict_and_a_verdict_on_other_content_too(world: World) -> None:
    version = world.approved()
    with pytest.raises(Conflict):
        _verdict(world, version, by="owner2")
    actor = world.actor("owner2")
    with pytest.raises(Conflict):
        review(actor=actor, version=version, verdict="reject", comment="x", digest="sha256:" + 64 * "0", now=NOW())


@pytest.mark.parametrize("state", ["draft", "in_review", "rejected", "withdrawn"])
def test_what_nobody_has_approved_is_neither_published_nor_run_by_its_number(world: World, state: str) -> None:
    runbook = world.published()
    version = world.drafted(script="new")
    if state != "draft":
        submit(actor=world.actor("author"), version=version, now=NOW())
    if state == "rejected":
        _verdict(world, version, by="owner", verdict="reject")
    if state == "withdrawn":
        Version.objects.filter(pk=version.pk).update(state=state)
    version.refresh_from_db()
    owner = world.client("owner")
    assert owner("POST", f"/runbooks/{runbook.path}/versions/2/publish").status_code == 403
    assert owner("POST", "/runs", {"runbook": runbook.path, "version": 2}).status_code == 403


def test_an_older_or_unpublished_version_is_run_by_its_number_only_with_the_right_to_review(world: World) -> None:
    runbook = world.published()
    newer = world.approved(script="newer")
    body = {"runbook": runbook.path, "version": 2}
    assert world.client("runner")("POST", "/runs", body).status_code == 403
    assert world.client("owner")("POST", "/runs", body).status_code == 202
    publish(actor=world.actor("owner"), version=newer, now=NOW())
    body["version"] = 1
    assert world.client("runner")("POST", "/runs", body).status_code == 403
    assert world.client("owner")("POST", "/runs", body).status_code == 202


def test_the_same_again_of_a_superseded_version_needs_the_right_to_review(world: World) -> None:
    run = world.executed(world.started())
    publish(actor=world.actor("owner"), version=world.approved(script="newer"), now=NOW())
    run = Run.objects.get(pk=run.pk)
    with pytest.raises(NotAllowed):
        rerun(actor=world.actor("runner"), run=run, same_version=True, now=NOW())
    assert rerun(actor=world.actor("runner"), run=run, same_version=False, now=NOW()).version.number == 2
    assert rerun(actor=world.actor("owner"), run=run, same_version=True, now=NOW()).version.number == 1


def _refused(world: World, run: Run) -> str:
    """Lets a worker have the run; answers why it did not start."""
    executor = FakeExecutor()
    run = world.executed(Run.objects.get(pk=run.pk), executor)
    assert executor.works == []
    assert run.status == "refused"
    return run.status_detail


def test_a_revoked_grant_keeps_a_queued_run_from_starting(world: World) -> None:
    run = world.started()
    revoke(actor=world.actor("owner"), grant=Grant.objects.get(user__username="runner"), now=NOW())
    assert "“run”" in _refused(world, run)


def test_an_expired_grant_keeps_a_queued_run_from_starting(world: World) -> None:
    world.give("stranger", world.project, "run", expires_at=NOW() + timedelta(hours=1))
    run = world.started(by="stranger")
    Grant.objects.filter(user__username="stranger").update(expires_at=NOW())
    assert "“run”" in _refused(world, run)


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
def test_a_dead_token_keeps_its_queued_runs_from_starting(world: World, end: str) -> None:
    runbook = world.published()
    actor = world.actor("runner", by="token")
    run = start(actor=actor, runbook=runbook, request=Request(values={}), now=NOW())
    Token.objects.filter(user__username="runner").update(**{end: NOW()})
    assert "token" in _refused(world, run)


def test_a_token_that_was_narrowed_keeps_its_queued_runs_from_starting(world: World) -> None:
    runbook = world.published()
    run = start(actor=world.actor("runner", by="token"), runbook=runbook, request=Request(values={}), now=NOW())
    Token.objects.filter(user__username="runner").update(scopes=["view"])
    assert "limited" in _refused(world, run)


def test_a_run_of_a_service_account_whose_owner_was_disabled_does_not_start(world: World) -> None:
    world.give("robot", world.project, "run")
    run = world.started(by="robot")
    disable(actor=world.actor("admin"), account=world.user("author"), now=NOW())
    assert "disabled" in _refused(world, run)


def test_a_version_that_is_superseded_meanwhile_still_runs_for_who_asked_for_it_in_time(world: World) -> None:
    run = world.started()
    publish(actor=world.actor("owner"), version=world.approved(script="newer"), now=NOW() + timedelta(minutes=1))
    assert world.executed(Run.objects.get(pk=run.pk)).status == "succeeded"


def test_an_old_version_that_was_named_does_not_start_once_its_reviewer_lost_that_right(world: World) -> None:
    runbook = world.published()
    publish(actor=world.actor("owner"), version=world.approved(script="newer"), now=NOW() - timedelta(minutes=1))
    run = start(actor=world.actor("owner2"), runbook=runbook, request=Request(values={}, number=1), now=NOW())
    Grant.objects.filter(user__username="owner2").update(revoked_at=NOW())
    world.give("owner2", world.project, "run")
    assert "“review”" in _refused(world, run)


def _without_guard(statement: str, *values: str | bytes) -> None:
    """What somebody does who owns the database."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute(statement, values)


def _key(thing: Version | Run) -> str:
    """As the engine stores it; PostgreSQL takes it as text too."""
    return str(thing._meta.pk.get_db_prep_value(thing.pk, connection))


def test_content_that_was_edited_in_the_database_does_not_start(world: World) -> None:
    run = world.started()
    evil = bytes(run.version.manifest).replace(b"echo hello", b"rm -rf /xx")
    _without_guard("UPDATE runbooks_version SET manifest = %s WHERE id = %s", evil, _key(run.version))
    assert "hash differs" in _refused(world, run)


def test_a_plan_that_was_edited_in_the_database_does_not_start(world: World) -> None:
    run = world.started()
    plan = json.loads(bytes(run.plan)) | {"values": {"x": "y"}}
    _without_guard("UPDATE runbooks_run SET plan = %s WHERE id = %s", json.dumps(plan).encode(), _key(run))
    assert "hash differs" in _refused(world, run)


def test_content_that_was_edited_with_all_its_hashes_does_not_start_for_nobody_has_read_it(world: World) -> None:
    run = world.started()
    evil = bytes(run.version.manifest).replace(b"echo hello", b"rm -rf /xx")
    forged = "sha256:" + hashlib.sha256(evil).hexdigest()
    plan = bytes(run.plan).replace(run.version.hash.encode(), forged.encode())
    plan_hash = "sha256:" + hashlib.sha256(plan).hexdigest()
    _without_guard(
        "UPDATE runbooks_version SET manifest = %s, hash = %s WHERE id = %s", evil, forged, _key(run.version)
    )
    _without_guard("UPDATE runbooks_run SET plan = %s, plan_hash = %s WHERE id = %s", plan, plan_hash, _key(run))
    assert "approved" in _refused(world, run)


def test_a_version_that_was_published_in_the_database_does_not_start(world: World) -> None:
    version = world.drafted()
    _without_guard("UPDATE runbooks_version SET state = 'published' WHERE id = %s", _key(version))
    run = world.started(version.runbook)
    assert "approved" in _refused(world, run)


def test_an_archived_project_keeps_a_queued_run_from_starting(world: World) -> None:
    run = world.started()
    Project.objects.update(archived_at=NOW())
    assert "archived" in _refused(world, run)
