"""How one attempt at a step ended, told as the run's page and the API would."""

from dataclasses import dataclass

from runbooks.cli.output import say
from runbooks.cli.terminal import clean_line
from runbooks.domain.ports import Outcome, OutcomeKind, StopReason
from runbooks.domain.states import StepStatus
from runbooks.domain.workflow import StepFact


@dataclass(frozen=True)
class Attempt:
    step: str
    number: int
    outcome: Outcome

    @property
    def fact(self) -> StepFact:
        return StepFact(
            status=status_of(self.outcome),
            attempt=self.number,
            exit_code=self.outcome.exit_code,
            outputs=self.outcome.outputs,
            started=True,
        )

    def tell(self) -> None:
        """What is to be seen beside the log."""
        code = f" (exit code {self.outcome.exit_code})" if self.outcome.exit_code else ""
        say(f"opsaas: step {self.step} {str(self.fact.status).replace('_', ' ')}{code}")
        if self.outcome.detail:
            say(f"opsaas: {self.outcome.detail}")
        for name, value in self.outcome.outputs.items():
            say(f"opsaas: output {name} = {clean_line(value)}")
        if self.outcome.summary.strip():
            say(f"opsaas: summary\n{self.outcome.summary.rstrip()}")

    def as_json(self) -> dict[str, object]:
        return {
            "step": self.step,
            "attempt": self.number,
            "status": str(self.fact.status),
            "exit_code": self.outcome.exit_code,
            "detail": self.outcome.detail,
            "outputs": dict(self.outcome.outputs),
            "summary": self.outcome.summary,
        }


def status_of(outcome: Outcome) -> StepStatus:
    match outcome.kind:
        case OutcomeKind.EXITED if outcome.exit_code == 0:
            return StepStatus.SUCCEEDED
        case OutcomeKind.EXITED | OutcomeKind.NOT_STARTED:
            return StepStatus.FAILED
        case OutcomeKind.TIMED_OUT:
            return StepStatus.TIMED_OUT
        case OutcomeKind.STOPPED if outcome.stop_reason is StopReason.CANCELLED:
            return StepStatus.CANCELLED
        case _:
            return StepStatus.LOST
