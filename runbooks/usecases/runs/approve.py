"""A person's verdict on exactly the plan that they read: the last yes lets the run start, one no ends it."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require, require_right
from runbooks.audit.reads import record_denial
from runbooks.audit.record import record
from runbooks.domain.approvals import Mandate
from runbooks.domain.definition import ordinary_steps
from runbooks.domain.policy import Decision, words
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.live.append import append_events
from runbooks.models import Approval, ApprovalRequest, Run
from runbooks.models.rows import Sql, move
from runbooks.queries.approvals import Progress, progress_of, request_of, voice
from runbooks.usecases.approvals.ask import waiting_text
from runbooks.usecases.approvals.tell import tell_approvers
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.nodes.target import unchanged
from runbooks.usecases.runs.advance import queue
from runbooks.usecases.runs.end import end_run
from runbooks.usecases.runs.facts import latest_of
from runbooks.usecases.runs.holds import may_still_start, plan_of_run, still_published
from runbooks.usecases.runs.tell import status_event
from runbooks.usecases.versions.draft import definition_of

ACTION = "run.approval_given"
COMMENT_CHARACTERS = 2000


def decide(*, actor: Actor, run: Run, verdict: str, comment: str, digest: str, now: datetime) -> None:
    """VERDICT is "approve" or "reject", DIGEST the hash of the plan that was read. Raises Invalid, NotAllowed, and
    Conflict where it was another plan, where things have changed since, or where it no longer waits."""
    comment = comment.strip()
    _check(verdict=verdict, comment=comment)
    try:
        _decide(actor=actor, run=run, verdict=verdict, comment=comment, digest=digest, now=now)
    except Conflict as refusal:  # what is not allowed is told of at the edge, as for every act
        record_denial(actor=actor, action=ACTION, thing=run, reasons=(str(refusal),), now=now)
        raise


def _decide(*, actor: Actor, run: Run, verdict: str, comment: str, digest: str, now: datetime) -> None:
    if request_of(run) is None:
        require_right(actor=actor, right="approve", place=run.runbook, action=ACTION, now=now)
        raise Conflict("This run needs no approval.", code="not_awaiting")
    with transaction.atomic():
        run = _held(run)
        request = request_of(run)
        assert request is not None
        progress = progress_of(request, now=now)
        mandate, stage = _voice(actor=actor, progress=progress, verdict=verdict, now=now)
        if run.status != RunStatus.AWAITING_APPROVAL or run.cancel_requested_at:
            raise Conflict(f"The run no longer waits for approval: it is {words(run.status)}.", code="not_awaiting")
        if digest != run.plan_hash:
            raise Conflict("You read another plan than this run has: read it again.", code="stale_hash")
        if verdict == "approve" and not (decision := still_as_asked(run=run, now=now)):
            raise Conflict(" ".join(decision.reasons), code="stale")
        said = _write(
            actor=actor, request=request, mandate=mandate, stage=stage, verdict=verdict, comment=comment, now=now
        )
        _follow(said=said, request=request, before=progress, now=now)


def _check(*, verdict: str, comment: str) -> None:
    if verdict not in {"approve", "reject"}:
        raise Invalid([Problem("/verdict", "invalid_choice", "The verdict is “approve” or “reject”.")])
    if verdict == "reject" and not comment:
        raise Invalid([Problem("/comment", "required", "Say why not: whoever asked for it reads this.")])
    if len(comment) > COMMENT_CHARACTERS:
        detail = f"Keep the comment under {COMMENT_CHARACTERS} characters."
        raise Invalid([Problem("/comment", "too_long", detail)])


def _held(run: Run) -> Run:
    """As it is now, held against other verdicts, a cancel and the scheduler until the transaction's end."""
    rows = Run.objects.select_related("runbook__project", "version__runbook__project", "requested_by__owner", "token")
    return rows.select_for_update(of=("self",)).get(pk=run.pk)


def _voice(*, actor: Actor, progress: Progress, verdict: str, now: datetime) -> tuple[Mandate, int]:
    if any(one.person_id == actor.user.person_id for one in progress.said):
        raise Conflict("You have given your verdict on this run already.", code="already_given")
    mandate, stage, decision = voice(actor=actor, progress=progress, verdict=verdict, now=now)
    require(decision, action=ACTION, thing=progress.request.run)
    assert mandate is not None
    return mandate, stage


def still_as_asked(*, run: Run, now: datetime) -> Decision:
    """Whether what was asked for could still happen as it was asked. What has changed since is asked for anew."""
    plan = plan_of_run(run)
    return may_still_start(run=run, starting=False, now=now) & still_published(run) & unchanged(plan)


def _write(
    *,
    actor: Actor,
    request: ApprovalRequest,
    mandate: Mandate,
    stage: int,
    verdict: str,
    comment: str,
    now: datetime,
) -> Approval:
    made = Approval.objects.create(
        request=request,
        stage=stage,
        verdict=verdict,
        comment=comment,
        plan_hash=request.run.plan_hash,
        by=actor.user,
        person=actor.user.owner or actor.user,
        of_id=mandate.of.account,
        token=actor.token,
        via=actor.via,
        at=now,
    )
    details = {"verdict": verdict, "plan_hash": made.plan_hash, "stage": stage}
    if mandate.of is not mandate.by:
        details["on_behalf_of"] = mandate.of.name
    record(actor=actor, action=ACTION, thing=request.run, reason=comment, details=details, now=now)
    return made


def _follow(*, said: Approval, request: ApprovalRequest, before: Progress, now: datetime) -> None:
    run = request.run
    if said.verdict == "reject":
        end_run(run=run, status=RunStatus.DENIED, detail=f"Denied by {said.by.username}: {said.comment}", now=now)
        return
    again = request_of(run)
    assert again is not None
    progress = progress_of(again, now=now)
    if progress.standing.complete:
        _release(run=run, now=now)
        return
    text = waiting_text(progress)
    Run.objects.filter(pk=run.pk).update(status_detail=text)
    run.status_detail = text
    append_events(run_id=run.pk, events=[status_event(run)], now=now)
    if progress.standing.stage is not None and progress.standing.stage != before.standing.stage:
        tell_approvers(request=request, stage=progress.standing.stage, now=now)


def _release(*, run: Run, now: datetime) -> None:
    """All have said yes: from now on a worker may start it."""
    expires_at = now + timedelta(seconds=settings.OPSAAS_QUEUE_SECONDS)
    released = {"status": RunStatus.QUEUED, "status_detail": "", "expires_at": expires_at}
    waiting = {"id": run.pk, "status": RunStatus.AWAITING_APPROVAL, "cancel_requested_at": None}
    taken = move(Run, where=waiting, values={**released, "event_seq": Sql("event_seq + %s", 2)}, returning="event_seq")
    assert taken, "the run's row is held"
    for name, value in released.items():
        setattr(run, name, value)
    record(actor=None, action="run.approved", thing=run, details={"plan_hash": run.plan_hash}, now=now)
    latest = latest_of(run)
    order = ordinary_steps(definition_of(run.version))
    first = next(latest[step] for step in order if latest[step].status == StepStatus.PENDING)
    append_events(run_id=run.pk, events=[status_event(run), queue(first, now=now)], now=now, last=taken[0])
