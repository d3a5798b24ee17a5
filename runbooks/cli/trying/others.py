"""The runbooks that a definition runs as steps: their definitions, from files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from runbooks.cli.definitions import find_definition
from runbooks.cli.failures import OPSAAS_FAILED, Failure
from runbooks.cli.output import say
from runbooks.cli.trying.subject import checked
from runbooks.domain.definition import Definition
from runbooks.domain.ports import Outcome, OutcomeKind, StopReason
from runbooks.domain.states import RunStatus

Others = Mapping[str, Definition]  # by "project/slug"


def other_definitions(definition: Definition, *, file: Path, places: Sequence[Path]) -> Others:
    """All that it leads to. Raises Failure where one is not found, or they lead back to one before."""
    return dict(_below(definition, above=(_path(definition),), file=file, places=places))


def outcome_of(run: Mapping[str, object], outputs: Mapping[str, str]) -> Outcome:
    """How a step has ended whose RUN has."""
    code = run["exit_code"]
    kinds = {
        RunStatus.TIMED_OUT: OutcomeKind.TIMED_OUT,
        RunStatus.CANCELLED: OutcomeKind.STOPPED,
        RunStatus.LOST: OutcomeKind.VANISHED,
    }
    kind = kinds.get(RunStatus(str(run["status"])), OutcomeKind.EXITED)
    reason = StopReason.CANCELLED if kind is OutcomeKind.STOPPED else None
    exit_code = code if isinstance(code, int) else None if kind is not OutcomeKind.EXITED else 1
    return Outcome(kind, exit_code, reason, detail=str(run["status_detail"]), outputs=outputs)


def _below(
    definition: Definition, *, above: tuple[str, ...], file: Path, places: Sequence[Path]
) -> Iterator[tuple[str, Definition]]:
    for step, call in definition.calls.items():
        if call.path in above:
            raise _failure(f"It would never come to an end: {' runs '.join([*above, call.path])}.")
        local = find_definition(call.path, beside=file, places=places)
        if local is None:
            raise _failure(
                f"Step {step} runs {call.path}, whose definition is not beside {file}: name its file with --with, or "
                "get it by `opsaas pull`."
            )
        pinned = f", whatever version {call.number} of it says" if call.number else ""
        say(f"opsaas: {call.path} is tried as {local.path} has it{pinned}")
        found = checked(local)
        yield call.path, found
        yield from _below(found, above=(*above, call.path), file=local.path, places=places)


def _path(definition: Definition) -> str:
    return f"{definition.project}/{definition.slug}"


def _failure(text: str) -> Failure:
    return Failure(text, exit_code=OPSAAS_FAILED)
