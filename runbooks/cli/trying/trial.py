"""One try: the steps of a definition, in the order and under the conditions that a server would give them."""

import getpass
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from runbooks.cli.output import say
from runbooks.cli.terminal import clean_line
from runbooks.cli.trying.artifacts import FolderKeeper
from runbooks.cli.trying.attempt import Attempt
from runbooks.cli.trying.lease import OwnLease
from runbooks.cli.trying.masking import MaskedSink
from runbooks.cli.trying.others import Others, outcome_of
from runbooks.cli.trying.pauses import Answers, waited
from runbooks.cli.trying.subject import Subject
from runbooks.domain.calls import Call
from runbooks.domain.conditions import ConditionFailed
from runbooks.domain.definition import Definition, Step
from runbooks.domain.flow import NO_FLOW
from runbooks.domain.parameters import clean_values
from runbooks.domain.pauses import Manual, Wait
from runbooks.domain.ports import Containment, Executor, JsonValue, Level, Outcome, OutcomeKind, OutputSink, Work
from runbooks.domain.problems import Invalid
from runbooks.domain.secrecy.masked import masked
from runbooks.domain.secrecy.redaction import Redactor
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.domain.workflow import Change, End, Facts, Next, Retry, StepFact, seen_by_conditions, what_next

GRACE_SECONDS = 10.0  # between TERM and KILL, as a server has it unless it is told otherwise


def only_steps(definition: Definition, wanted: Sequence[str]) -> Definition:
    """DEFINITION with these steps alone, in its order, without conditions, retries, handlers and cleanup."""
    if not wanted:
        return definition
    steps = tuple(replace(step, flow=NO_FLOW) for step in definition.steps if step.id in wanted)
    return replace(definition, steps=steps, cleanup=())


@dataclass
class Trial:
    subject: Subject
    definition: Definition  # of the steps that are tried
    secrets: Mapping[str, str]  # by path
    executor: Executor
    sink: OutputSink
    lease: OwnLease
    answers: Answers
    others: Others = field(default_factory=dict)
    artifacts: Path | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    attempts: list[Attempt] = field(default_factory=list)
    facts: dict[str, StepFact] = field(default_factory=dict)
    main: RunStatus | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def run(self) -> dict[str, object]:
        """The try as the API shows a run."""
        while not (following := self._look()).end:
            if following.retry:
                self._try_again(following.retry)
            elif following.queued:
                self._try(following.queued, attempt=1)
        return self._as_json(following.end)

    def _look(self) -> Next:
        following = what_next(definition=self.definition, facts=self._facts())
        self._note(following.skipped, StepStatus.SKIPPED)
        self._note(following.broken, StepStatus.FAILED)
        if following.main:
            self.main = following.main.status
            self.lease.for_cleanup()
        return following

    def _facts(self) -> Facts:
        cancelled = bool(self.lease.interrupted_by)
        now, values = datetime.now(UTC), self.subject.values
        return Facts(steps=self.facts, values=values, now=now, cancelled=cancelled, main=self.main)

    def _try_again(self, retry: Retry) -> None:
        say(f"opsaas: step {retry.step} is tried again in {retry.delay_seconds:g} s")
        self.lease.wait(retry.delay_seconds)
        if not self.lease.interrupted_by or self.main:
            self._try(retry.step, attempt=retry.attempt)

    def _note(self, changes: Sequence[Change], status: StepStatus) -> None:
        for change in changes:
            self.facts[change.step] = replace(self.facts.get(change.step, StepFact()), status=status)
            say(f"opsaas: step {change.step} {status}: {clean_line(change.reason)}")

    def _try(self, name: str, *, attempt: int) -> None:
        [step] = [step for step in self.definition.steps if step.id == name]
        say(f"opsaas: step {step.id}" + (f": {step.title}" if step.title else ""))
        outcome = self._executed(step, attempt) if step.pause is None else self._paused(step)
        tried = Attempt(step=name, number=attempt, outcome=outcome)
        self.attempts.append(tried)
        self.facts[name] = tried.fact
        tried.tell()

    def _executed(self, step: Step, attempt: int) -> Outcome:
        redactor = Redactor([*self.secrets.values(), *self.subject.secret_values.values()])
        sink = MaskedSink(self.sink, redactor)
        outcome = self.executor.execute(work=self._work(step, attempt), sink=sink, lease=self.lease)
        sink.finish()
        return masked(outcome, redactor.masker)

    def _paused(self, step: Step) -> Outcome:
        seen = seen_by_conditions(self._facts())
        match step.pause:
            case Manual():
                return self.answers.to(step, step.pause)
            case Wait():
                return waited(step, step.pause, seen=seen, lease=self.lease, waits=self.answers.waits)
        assert isinstance(step.pause, Call)
        return self._called(step.pause, seen)

    def _called(self, call: Call, seen: Mapping[str, JsonValue | datetime]) -> Outcome:
        """Another runbook, with values that are known only now."""
        definition = self.others[call.path]
        try:
            values = clean_values(definition.parameters, call.values(seen))
        except ConditionFailed as error:
            return Outcome(kind=OutcomeKind.NOT_STARTED, detail=str(error))
        except Invalid as error:
            told = " ".join(f"{problem.pointer}: {problem.detail}" for problem in error.problems)
            return Outcome(kind=OutcomeKind.NOT_STARTED, detail=f"{call.path} does not take these values. {told}")
        subject = Subject(definition=definition, values=values, secret_values={}, files=self.subject.files)
        inner = replace(
            self, subject=subject, definition=definition, id=str(uuid.uuid4()), attempts=[], facts={}, main=None
        )
        run = inner.run()
        outputs = {name: value for fact in inner.facts.values() for name, value in fact.outputs.items()}
        return outcome_of(run, outputs)

    def _work(self, step: Step, attempt: int) -> Work:
        own = {use: self.secrets[use.path] for use in step.secrets}
        handed_on = {name: dict(fact.outputs) for name, fact in self.facts.items() if fact.outputs}
        files = {"OPSAAS_OUTPUTS_FILE": json.dumps(handed_on, ensure_ascii=False)} if handed_on else {}
        return Work(
            run_id=self.id,
            step_run_id=str(uuid.uuid4()),
            step_id=step.id,
            node="",
            attempt=attempt,
            actor=getpass.getuser(),
            script=step.script,
            script_name=step.script_name,
            interpreter=step.interpreter,
            parameters={**self.subject.values, **self.subject.secret_values},
            timeout_seconds=step.timeout_seconds,
            grace_seconds=GRACE_SECONDS,
            containment=_own_machine(self.subject.definition.containment),
            files=self.subject.files,
            secrets={use.name: value for use, value in own.items() if not use.as_file},
            secret_files=files | {use.name: value for use, value in own.items() if use.as_file},
            artifacts=FolderKeeper(self.artifacts / step.id) if self.artifacts else None,
        )

    def _as_json(self, end: End) -> dict[str, object]:
        culprits = [attempt.outcome.detail for attempt in self.attempts if attempt.step == end.culprit]
        return {
            "id": self.id,
            "runbook": f"{self.definition.project}/{self.definition.slug}",
            "status": str(end.status),
            "parameters": self.subject.values,
            "started_at": self.started_at.isoformat(),
            "finished_at": datetime.now(UTC).isoformat(),
            "exit_code": end.exit_code,
            "status_detail": culprits[-1] if culprits else "",
            "outputs": {name: dict(fact.outputs) for name, fact in self.facts.items()},
            "steps": [attempt.as_json() for attempt in self.attempts],
        }


def _own_machine(containment: Containment) -> Containment:
    """Where the definition asks for no level, the author's own tools are in reach."""
    needs_more = containment.processes is not None or not containment.network
    return containment if containment.level or needs_more else replace(containment, level=Level.HOST)
