"""What a message says: who did what, to what, with which outcome, why, and where to look."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from runbooks.domain.notices import EVENTS
from runbooks.domain.policy import words
from runbooks.models import AuditEvent, Project, Run, Runbook

VERSION = re.compile(r"(?P<path>[a-z0-9-]+/[a-z0-9-]+) v(?P<number>[0-9]+)")


@dataclass(frozen=True)
class Notice:
    """One thing that happened, told in every form that a channel may want."""

    occasion: str
    event: str
    subject: str
    text: str
    brief: str  # without a run's values: for whoever has not shown that they may see them
    link: str
    facts: Mapping[str, Any] = field(repr=False)
    project: Project | None
    runbook: Runbook | None = None
    run: Run | None = None


def of_end(run: Run, *, event: str = "finished") -> Notice:
    """The end of a run."""
    who = run.requested_by.username
    return Notice(
        occasion=f"run:{run.pk}",
        event=event,
        subject=one_line(f"[opsaas] {run.runbook.path} {words(run.status)}, run by {who}"),
        text=_of_run(run),
        brief=_brief(run),
        link=address_of("run", str(run.pk), ""),
        facts=facts_of(
            event=event,
            at=run.finished_at,
            who=who,
            thing={"type": "run", "id": str(run.pk), "name": run.runbook.path},
            outcome=run.status,
            reason=run.reason,
            runbook=run.runbook,
            run=run,
        ),
        project=run.runbook.project,
        runbook=run.runbook,
        run=run,
    )


def of_act(act: AuditEvent, *, event: str, project: Project | None, runbook: Runbook | None, run: Run | None) -> Notice:
    """An act of the log, in one sentence. The system's own acts on a run are told as those of who asked for it."""
    body = json.loads(bytes(act.body))
    who = run.requested_by.username if run and act.actor_type == "system" else act.actor_name
    sentence = f"{who} {EVENTS[event].says} {act.object_name}"
    link = address_of(act.object_type, act.object_id, act.object_name)
    text = joined(f"{sentence}.", _because(body["reason"]), f"Where to look: {link}")
    return Notice(
        occasion=f"event:{act.pk}",
        event=event,
        subject=one_line(f"[opsaas] {sentence}"),
        text=text,
        brief=text,
        link=link,
        facts=facts_of(
            event=event,
            at=act.time,
            who=who,
            thing={"type": act.object_type, "id": act.object_id, "name": act.object_name},
            outcome=act.outcome,
            reason=body["reason"],
            project=project,
            runbook=runbook,
            run=run,
        ),
        project=project,
        runbook=runbook,
        run=run,
    )


def one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def address_of(kind: str, key: str, name: str) -> str:
    found = VERSION.fullmatch(name)
    paths = {
        "run": f"runs/{key}",
        "runbook": f"runbooks/{name}",
        "version": f"runbooks/{found['path']}/versions/{found['number']}" if found else "reviews",
        "secret": f"secrets/{name}",
        "grant": "access",
        "group": "access",
        "installation": "admin",
        "freeze": "guardrails",
    }
    return f"{settings.OPSAAS_PUBLIC_URL}/{paths.get(kind, '')}"


def facts_of(
    *,
    event: str,
    at: datetime | None,
    who: str,
    thing: Mapping[str, str],
    outcome: str,
    reason: str,
    project: Project | None = None,
    runbook: Runbook | None = None,
    run: Run | None = None,
) -> dict[str, Any]:
    """Without a run's values and output: whoever reads these has not shown that they may."""
    project = runbook.project if runbook else project
    return {
        "type": f"{thing['type']}.{event}",
        "timestamp": at.isoformat().replace("+00:00", "Z") if at else None,
        "data": {
            "event": event,
            "who": who,
            "what": dict(thing),
            "outcome": outcome,
            "reason": reason,
            "project": project.slug if project else None,
            "runbook": runbook.path if runbook else None,
            "run": _run_facts(run) if run else None,
            "link": address_of(thing["type"], thing["id"], thing["name"]),
        },
    }


def _run_facts(run: Run) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "status": run.status,
        "exit_code": run.exit_code,
        "version": run.version.number,
        "trigger": run.trigger,
        "requested_by": run.requested_by.username,
    }


def _of_run(run: Run) -> str:
    values = "\n".join(f"  {name} = {value}" for name, value in run.parameters.items()) or "  (none)"
    return joined(*_said(run), f"Values:\n{values}", f"Output and all else: {address_of('run', str(run.pk), '')}")


def _brief(run: Run) -> str:
    return joined(*_said(run), f"Where to look: {address_of('run', str(run.pk), '')}")


def _said(run: Run) -> tuple[str, ...]:
    return (
        f"{run.requested_by.username} ran {run.runbook.path} (version {run.version.number}) by {run.trigger}.",
        f"It ended as: {words(run.status)}" + (f", exit code {run.exit_code}." if run.exit_code is not None else "."),
        run.status_detail,
        _because(run.reason) or "No reason was given.",
    )


def _because(reason: str) -> str:
    return f"Reason given: {reason}" if reason else ""


def joined(*lines: str) -> str:
    return "\n\n".join(line for line in lines if line) + "\n"
