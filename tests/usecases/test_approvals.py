"""Runs that wait for other people's yes: who may give it, by whatever way, and what it binds to."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runbooks.domain.ports import Outcome, OutcomeKind
from runbooks.domain.states import RunStatus
from runbooks.models import (
    Approval,
    ApprovalRequest,
    AuditEvent,
    Delivery,
    Group,
    Membership,
    Run,
    Runbook,
    TokenKind,
    User,
)
from runbooks.notifications.email import EmailNotifier
from runbooks.usecases.approvals.delegate import delegate, take_back
from runbooks.usecases.notifications.deliver import deliver_due
from runbooks.usecases.people.accounts import disable
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.sweep import expire, hint_again
from runbooks.usecases.versions.publish import publish
from tests.world import FakeExecutor, World, announced

ENV = {"name": "env", "type": "choice", "choices": ["staging", "production"], "default": "staging"}
PRODUCTION = 'params.env == "production"'
SRE = ["group:sre"]


def book(world: World, slug: str = "deploy", **approvals: Any) -> Runbook:
    rule = {"when": PRODUCTION, "from": SRE, **approvals}
    return world.published(slug, parameters=[ENV], policy={"approvals": rule})


def asked(world: World, runbook: Runbook | None = None, *, by: str = "runner", **approvals: Any) -> Run:
    """A run that waits; owner and owner2 are the SREs."""
    if not Group.objects.filter(slug="sre").exists():
        world.group_of("owner", "owner2", slug="sre")
    return world.started(runbook or book(world, **approvals), {"env": "production"}, by=by)


def say(world: World, run: Run, name: str, verdict: str = "approve", comment: str = "", **more: Any) -> Run:
    """By the API, with a token of that person; asserts that it was taken."""
    body = {"verdict": verdict, "comment": comment, "plan_hash": run.plan_hash}
    answer = world.client(name, **more)("POST", f"/runs/{run.pk}/approval", body)
    assert answer.status_code == 200, answer.json()
    run.refresh_from_db()
    return run


def refused(world: World, run: Run, name: str, verdict: str = "approve", **more: Any) -> tuple[int, str]:
    body = {"verdict": verdict, "comment": "no", "plan_hash": run.plan_hash}
    answer = world.client(name, **more)("POST", f"/runs/{run.pk}/approval", body)
    assert Run.objects.get(pk=run.pk).status == RunStatus.AWAITING_APPROVAL
    told = answer.json()
    return answer.status_code, " ".join(told.get("reasons") or [told["detail"]])


def test_a_run_that_no_rule_asks_about_starts_at_once(world: World) -> None:
    world.group_of("owner", slug="sre")
    run = world.started(book(world), {"env": "staging"})
    assert run.status == RunStatus.QUEUED
    assert world.executed(run).status == RunStatus.SUCCEEDED


def test_a_run_that_a_rule_asks_about_waits_and_says_for_whom_and_why(world: World) -> None:
    run = asked(world)
    assert run.status == RunStatus.AWAITING_APPROVAL
    assert run.status_detail == f"Waits for 1 approval of group:sre. This runbook asks for approval where {PRODUCTION}."
    assert run.step_runs.get().status == "pending"
    assert world.executed(run).status == RunStatus.AWAITING_APPROVAL
    assert hint_again(now=timezone.now() + timedelta(hours=1)) == 0


def test_by_api_it_is_202_with_that_status(world: World) -> None:
    world.group_of("owner", slug="sre")
    runbook = book(world)
    body = {"runbook": runbook.path, "parameters": {"env": "production"}}
    answer = world.client("runner")("POST", "/runs", body)
    assert answer.status_code == 202
    assert answer.json()["status"] == "awaiting_approval"


def test_one_yes_of_who_is_meant_starts_it_and_runs_what_was_approved(world: World) -> None:
    run = say(world, asked(world), "owner", comment="Go")
    assert (run.status, run.status_detail) == (RunStatus.QUEUED, "")
    executor = FakeExecutor()
    assert world.executed(run, executor).status == RunStatus.SUCCEEDED
    assert executor.works[0].parameters == {"env": "production"}
    actions = list(AuditEvent.objects.filter(object_id=str(run.pk)).order_by("pk").values_list("action", flat=True))
    assert actions == [
        "run.requested",
        "run.approval_asked",
        "run.approval_given",
        "run.approved",
        "run.started",
        "run.finished",
    ]


def test_one_no_ends_it_and_says_who_and_why(world: World) -> None:
    run = say(world, asked(world, count=2), "owner2", "reject", "Not during the sale")
    assert (run.status, run.status_detail) == (RunStatus.DENIED, "Denied by owner2: Not during the sale")
    assert world.executed(run).status == RunStatus.DENIED
    assert run.step_runs.get().status == "skipped"


def test_a_no_needs_its_reason(world: World) -> None:
    run = asked(world)
    body = {"verdict": "reject", "plan_hash": run.plan_hash}
    answer = world.client("owner")("POST", f"/runs/{run.pk}/approval", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/comment"


def refusals(run: Run) -> list[tuple[str, str]]:
    """Who, and the beginning of why: of the verdicts that the log has as denied."""
    found = AuditEvent.objects.filter(action="run.approval_given", object_id=str(run.pk), outcome="denied")
    told = [json.loads(bytes(one.body)) for one in found.order_by("pk")]
    return [(one["actor"]["name"], " ".join(one["reason"].split()[:4])) for one in told]


def test_another_plan_than_the_one_that_was_read_is_not_approved(world: World) -> None:
    run = asked(world)
    body = {"verdict": "approve", "plan_hash": "sha256:other"}
    answer = world.client("owner")("POST", f"/runs/{run.pk}/approval", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "stale_hash")
    assert refusals(run) == [("owner", "You read another plan")]


def test_who_asked_never_approves(world: World) -> None:
    run = asked(world, by="owner")
    for verdict in ("approve", "reject"):
        status, why = refused(world, run, "owner", verdict)
        assert status == 403
        assert why.startswith("You asked for this run")


def test_neither_does_a_service_account_of_theirs_nor_they_for_it(world: World) -> None:
    world.give("robot", world.project, "view", "run", "approve")
    world.give("author", world.project, "view", "run", "approve")
    runbook = world.published("deploy", policy={"approvals": {}})
    assert refused(world, world.started(runbook, by="author"), "robot")[0] == 403
    assert refused(world, world.started(runbook, by="robot"), "author")[0] == 403


def test_who_is_not_meant_may_not_approve_whatever_right_they_hold(world: World) -> None:
    run = asked(world)
    world.give("auditor", world.project, "approve")
    for name in ("auditor", "author", "admin"):
        status, why = refused(world, run, name)
        assert status == 403
        assert "none of those who may approve" in why
    assert refused(world, run, "stranger")[0] == 404


def test_without_names_it_is_for_who_holds_the_right(world: World) -> None:
    runbook = world.published("deploy", policy={"approvals": {}})
    run = world.started(runbook)
    assert refused(world, run, "author")[0] == 403
    assert say(world, run, "owner").status == RunStatus.QUEUED


def test_a_token_that_is_not_for_approving_does_not(world: World) -> None:
    run = asked(world)
    assert refused(world, run, "owner", scopes=("view", "run")) == (403, "This token is limited to: run, view.")
    assert say(world, run, "owner", scopes=("approve",)).status == RunStatus.QUEUED


@pytest.mark.parametrize(("kind", "given", "lent"), [("api", 200, 201), ("cli", 200, 201), ("agent", 403, 403)])
def test_people_decide_and_agents_read(world: World, kind: str, given: int, lent: int) -> None:
    run, client = asked(world), world.client("owner", kind=TokenKind(kind))
    read = client("GET", f"/runs/{run.pk}/approval")
    assert (read.status_code, read.json()["plan_hash"]) == (200, run.plan_hash)
    until = (timezone.now() + timedelta(days=1)).isoformat()
    lending = client("POST", "/delegations", {"delegate": "auditor", "ends_at": until})
    body = {"verdict": "approve", "comment": "", "plan_hash": run.plan_hash}
    verdict = client("POST", f"/runs/{run.pk}/approval", body)
    assert (verdict.status_code, lending.status_code) == (given, lent)
    for answer, what in ((verdict, "give a verdict"), (lending, "lend a voice")):
        if answer.status_code == 403:
            assert answer.json()["reasons"] == [f"People decide; an agent may read: its token can't {what}."]


def test_a_quorum_counts_people_and_each_once(world: World) -> None:
    run = asked(world, count=2)
    assert say(world, run, "owner").status == RunStatus.AWAITING_APPROVAL
    assert run.status_detail.startswith("Waits for 1 approval of group:sre.")
    answer = world.client("owner")(
        "POST", f"/runs/{run.pk}/approval", {"verdict": "approve", "plan_hash": run.plan_hash}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "already_given")
    assert refusals(run) == [("owner", "You have given your")]
    assert say(world, run, "owner2").status == RunStatus.QUEUED


def test_stages_are_asked_in_turn(world: World) -> None:
    world.group_of("owner", "owner2", slug="sre")
    world.group_of("author", slug="team")
    stages = [{"name": "team", "from": ["group:team"]}, {"name": "SRE", "from": SRE}]
    runbook = world.published("deploy", policy={"approvals": {"stages": stages}})
    run = world.started(runbook)
    assert run.status_detail.startswith("Waits for 1 approval of group:team (stage 1 of 2 “team”).")
    assert refused(world, run, "owner")[0] == 403
    say(world, run, "author")
    assert run.status_detail.startswith("Waits for 1 approval of group:sre (stage 2 of 2 “SRE”).")
    assert say(world, run, "owner").status == RunStatus.QUEUED


def test_who_is_asked_only_later_may_say_no_at_once(world: World) -> None:
    world.group_of("owner", slug="sre")
    world.group_of("author", slug="team")
    stages = [{"from": ["group:team"]}, {"from": SRE}]
    run = world.started(world.published("deploy", policy={"approvals": {"stages": stages}}))
    assert say(world, run, "owner", "reject", "Never").status == RunStatus.DENIED


def test_an_approval_is_for_one_run_and_asked_anew_for_the_next(world: World) -> None:
    run = world.executed(say(world, asked(world), "owner"))
    again = world.client("runner")("POST", f"/runs/{run.pk}/rerun").json()
    assert again["status"] == "awaiting_approval"


def test_a_resumed_run_is_asked_about_anew(world: World) -> None:
    failing = FakeExecutor(Outcome(kind=OutcomeKind.EXITED, exit_code=1))
    run = world.executed(say(world, asked(world), "owner"), failing)
    assert run.status == RunStatus.FAILED
    answer = world.client("runner")("POST", f"/runs/{run.pk}/resume")
    assert answer.json()["status"] == "awaiting_approval"
    say(world, Run.objects.get(pk=answer.json()["id"]), "owner")


def test_who_asked_may_cancel_while_it_waits(world: World) -> None:
    run = asked(world)
    cancel(actor=world.actor("runner"), run=run, now=timezone.now())
    assert run.status == RunStatus.CANCELLED
    answer = world.client("owner")(
        "POST", f"/runs/{run.pk}/approval", {"verdict": "approve", "plan_hash": run.plan_hash}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "not_awaiting")
    assert refusals(run) == [("owner", "The run no longer")]


def test_what_nobody_answers_in_time_expires(world: World) -> None:
    run = asked(world, expires="1s")
    assert expire(now=timezone.now()) == 0
    Run.objects.filter(pk=run.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert expire(now=timezone.now()) == 1
    run.refresh_from_db()
    assert (run.status, run.status_detail) == (
        RunStatus.EXPIRED,
        "Its approvals did not come together in time; nothing was started.",
    )


def test_after_the_last_yes_it_has_the_usual_time_to_start(world: World) -> None:
    run = asked(world, expires="1m")
    assert say(world, run, "owner").expires_at > timezone.now() + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("leaves_the_group", "owner is none of those who may approve it now: group:sre"),
        ("is_disabled", "The account of owner is disabled"),
        ("sees_it_no_more", "owner does not see this runbook"),
    ],
)
def test_an_approver_who_no_longer_could_does_not_count_at_the_start(world: World, harm: str, reason: str) -> None:
    run, now = say(world, asked(world), "owner"), timezone.now()
    if harm == "leaves_the_group":
        Membership.objects.filter(user=world.user("owner")).update(ends_at=now)
    elif harm == "is_disabled":
        disable(actor=world.actor("admin"), account=world.user("owner"), now=now)
    else:
        world.user("owner").grants.update(revoked_at=now)
    ended = world.executed(run)
    assert ended.status == RunStatus.REFUSED
    assert reason in ended.status_detail
    assert "lacks 1 approval" in ended.status_detail


def test_a_right_that_lapsed_before_the_start_does_not_count(world: World) -> None:
    run = say(world, world.started(world.published("deploy", policy={"approvals": {}})), "owner")
    world.user("owner").grants.update(revoked_at=timezone.now())
    world.give("owner", world.project, "view")
    assert world.executed(run).status == RunStatus.REFUSED


def test_an_earlier_yes_that_counts_no_more_is_made_up_for_by_another(world: World) -> None:
    run = asked(world, count=2)
    say(world, run, "owner")
    Membership.objects.filter(user=world.user("owner")).update(ends_at=timezone.now())
    Membership.objects.create(group=Group.objects.get(slug="sre"), user=world.user("author"), starts_at=timezone.now())
    assert say(world, run, "owner2").status == RunStatus.AWAITING_APPROVAL
    assert say(world, run, "author").status == RunStatus.QUEUED


def test_nothing_starts_that_was_let_go_past_its_approvals(world: World) -> None:
    """Somebody with the database in their hands moves the status."""
    run = asked(world)
    Run.objects.filter(pk=run.pk).update(status="queued", expires_at=timezone.now() + timedelta(hours=1))
    run.step_runs.update(status="queued")
    ended = world.executed(run)
    assert ended.status == RunStatus.REFUSED
    assert "lacks 1 approval of group:sre" in ended.status_detail


@pytest.mark.parametrize("edited", [[{"name": "", "from": SRE, "count": 0}], [], None])
def test_stages_that_somebody_edited_by_hand_start_nothing(world: World, edited: list[dict[str, Any]] | None) -> None:
    run = asked(world, count=2)
    request = ApprovalRequest.objects.get(run=run)
    say(world, run, "owner")
    say(world, run, "owner2")
    table = ApprovalRequest._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"DROP TRIGGER {table}_no_update" + (f" ON {table}" if connection.vendor == "postgresql" else "")
        )
    ApprovalRequest.objects.filter(pk=request.pk).update(stages=request.stages if edited is None else edited)
    ended = world.executed(run)
    assert ended.status == (RunStatus.SUCCEEDED if edited is None else RunStatus.REFUSED)
    if edited is not None:
        assert "Those who were asked are not those whom this runbook asks" in ended.status_detail


def test_a_version_that_took_its_place_voids_the_question(world: World) -> None:
    run = asked(world)
    publish(actor=world.actor("owner"), version=world.approved("deploy", script="echo other"), now=timezone.now())
    status, why = refused(world, run, "owner")
    assert status == 409
    assert "Another version was published" in why
    assert refusals(run) == [("owner", "Another version was published")]
    assert say(world, run, "owner", "reject", "Stale").status == RunStatus.DENIED


def test_a_requester_who_lost_the_right_meanwhile_voids_it(world: World) -> None:
    run = asked(world)
    world.user("runner").grants.update(revoked_at=timezone.now())
    status, why = refused(world, run, "owner")
    assert status == 409
    assert "right “run”" in why


def test_a_request_does_not_keep_others_from_the_key_until_it_is_approved(world: World) -> None:
    world.group_of("owner", slug="sre")
    rule = {"when": PRODUCTION, "from": SRE}
    runbook = world.published(
        "deploy", parameters=[ENV], policy={"approvals": rule}, concurrency={"key": '"one"', "on_conflict": "reject"}
    )
    waiting = world.started(runbook, {"env": "production"})
    other = world.started(runbook, {"env": "staging"})
    say(world, waiting, "owner")
    assert world.executed(waiting).status == RunStatus.SUCCEEDED
    assert world.executed(other).status == RunStatus.SUCCEEDED


def test_a_delegate_approves_in_anothers_place_until_it_ends(world: World) -> None:
    run, now = asked(world), timezone.now()
    assert refused(world, run, "auditor")[0] == 403
    made = delegate(actor=world.actor("owner"), to="auditor", until=now + timedelta(days=1), now=now)
    assert say(world, run, "auditor").status == RunStatus.QUEUED
    given = Approval.objects.get()
    assert (given.by.username, given.of.username) == ("auditor", "owner")
    event = AuditEvent.objects.get(action="run.approval_given", outcome="done")
    assert b'"on_behalf_of":"owner"' in bytes(event.body)
    take_back(actor=world.actor("owner"), delegation=made, now=timezone.now())
    ended = world.executed(run)
    assert ended.status == RunStatus.REFUSED
    assert "owner has not named auditor as a delegate, or no longer" in ended.status_detail


def test_a_delegate_never_hands_on_and_never_approves_their_own(world: World) -> None:
    world.group_of("auditor")
    now = timezone.now()
    until = now + timedelta(days=1)
    delegate(actor=world.actor("owner"), to="auditor", until=until, now=now)
    delegate(actor=world.actor("auditor"), to="author", until=until, now=now)
    delegate(actor=world.actor("owner"), to="runner", until=until, now=now)
    run = asked(world)
    assert refused(world, run, "author")[0] == 403
    assert refused(world, run, "runner")[0] == 403


@pytest.mark.parametrize(
    ("to", "days", "code"),
    [
        ("owner", 1, "no_delegate"),
        ("robot", 1, "no_delegate"),
        ("nobody", 1, "no_delegate"),
        ("author", 0, "out_of_range"),
        ("author", 32, "out_of_range"),
    ],
)
def test_a_delegation_names_another_person_and_an_end(world: World, to: str, days: int, code: str) -> None:
    ends_at = (timezone.now() + timedelta(days=days)).isoformat()
    answer = world.client("owner")("POST", "/delegations", {"delegate": to, "ends_at": ends_at})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)


def lent(world: World, by: str, to: str) -> tuple[int, Any]:
    ends_at = (timezone.now() + timedelta(days=1)).isoformat()
    answer = world.client(by)("POST", "/delegations", {"delegate": to, "ends_at": ends_at})
    return answer.status_code, answer.json()


def test_a_voice_is_lent_to_one_person_once_at_a_time(world: World) -> None:
    status, made = lent(world, "owner", "author")
    assert status == 201
    status, again = lent(world, "owner", "author")
    assert (status, again["code"]) == (409, "lent_already")
    assert lent(world, "owner", "auditor")[0] == 201
    world.client("owner")("DELETE", f"/delegations/{made['id']}")
    assert lent(world, "owner", "author")[0] == 201


def test_who_has_no_voice_lends_none(world: World) -> None:
    status, told = lent(world, "runner", "author")
    assert (status, told["reasons"]) == (
        403,
        ["You have no voice to lend: you hold the right “approve” nowhere, and are in no group."],
    )
    world.group_of("runner")
    assert lent(world, "runner", "author")[0] == 201


def test_who_may_not_be_lent_to_answers_as_one_who_is_not_there(world: World) -> None:
    User.objects.filter(username="stranger").update(disabled_at=timezone.now())
    nobody, *others = [lent(world, "owner", to) for to in ("nobody", "stranger", "robot", "owner")]
    assert [(status, told["errors"]) for status, told in others] == [(nobody[0], nobody[1]["errors"])] * 3


def test_a_service_account_has_no_voice_to_lend(world: World) -> None:
    ends_at = (timezone.now() + timedelta(days=1)).isoformat()
    answer = world.client("robot")("POST", "/delegations", {"delegate": "owner", "ends_at": ends_at})
    assert answer.status_code == 403


def test_approvers_are_told_by_mail_with_the_link_and_owners_of_the_use_as_well(world: World) -> None:
    run = asked(world)
    deliver_due(notifiers={"email": EmailNotifier()}, clock=timezone.now)
    assert sorted(message.to[0] for message in mail.outbox) == ["owner2@example.org", "owner@example.org"]
    assert f"/runs/{run.pk}#approval" in str(mail.outbox[0].body)
    world.executed(say(world, run, "owner"))
    announced()
    assert Delivery.objects.filter(run=run, recipient=world.user("owner")).count() == 2


def test_only_those_are_told_who_could_say_something(world: World) -> None:
    run = asked(world, by="owner")
    told = Delivery.objects.filter(run=run).values_list("recipient__username", flat=True)
    assert list(told) == ["owner2"]


@pytest.mark.parametrize(
    ("policy", "reason", "code"),
    [
        ({"reason": "required"}, "", "required"),
        ({"reason": "required"}, "disk full", None),
        ({"ticket": "OPS-[0-9]+"}, "disk full", "no_ticket"),
        ({"ticket": "OPS-[0-9]+"}, "see OPS-17", None),
        ({"ticket": "OPS-[0-9]+"}, "", "no_ticket"),
    ],
)
def test_a_policy_may_ask_for_a_reason_or_a_ticket(
    world: World, policy: dict[str, str], reason: str, code: str | None
) -> None:
    runbook = world.published("deploy", policy=policy)
    answer = world.client("runner")("POST", "/runs", {"runbook": runbook.path, "reason": reason})
    assert answer.status_code == (400 if code else 202)
    if code:
        assert (answer.json()["errors"][0]["pointer"], answer.json()["errors"][0]["code"]) == ("/reason", code)


def test_a_run_without_a_rule_asks_the_database_nothing_about_approvals(world: World) -> None:
    plain = world.published("plain")
    with CaptureQueriesContext(connection) as seen:
        world.executed(world.started(plain))
    assert not [one["sql"] for one in seen.captured_queries if "approval" in one["sql"] or "delegation" in one["sql"]]


def test_the_inbox_has_what_waits_for_me_and_what_i_see(world: World) -> None:
    run = asked(world)

    def found(name: str, query: str = "") -> list[str]:
        return [one["run"] for one in world.client(name)("GET", f"/approvals{query}").json()["results"]]

    assert found("owner", "?waiting_for=me") == [str(run.pk)]
    assert found("runner", "?waiting_for=me") == []
    assert found("runner") == [str(run.pk)]
    assert found("stranger") == []
    say(world, run, "owner")
    assert found("owner", "?waiting_for=me") == []
    assert found("owner", "?waiting_for=nobody") == [str(run.pk)]


def test_what_an_approver_reads_has_all_that_would_happen(world: World) -> None:
    run = asked(world)
    told = world.client("owner")("GET", f"/runs/{run.pk}/approval").json()
    assert (told["plan_hash"], told["parameters"], told["requested_by"]) == (
        run.plan_hash,
        {"env": "production"},
        "runner",
    )
    assert (told["allowed"], told["stale"], told["waits_for"]) == (True, [], "1 approval of group:sre")
    assert world.client("runner")("GET", f"/runs/{run.pk}/approval").json()["allowed"] is False
