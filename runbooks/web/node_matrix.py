"""A step on many nodes at a glance: one cell per node, and how many of each status."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from uuid import UUID

from django.utils.translation import gettext as _

from runbooks.domain.states import STEP_FINAL, StepStatus
from runbooks.models import FanOut, Run, StepRun
from runbooks.web.vocabulary import WORDS

MOST_NAMED = 40  # of more nodes the names stand in titles
MOST_FAILURES = 12  # that are told with their reason
MOST_CELLS = 1000  # of a step; beyond that the filter tells which

MARKS: dict[str, str] = {
    StepStatus.PENDING: "○",
    StepStatus.QUEUED: "·",
    StepStatus.RUNNING: "…",
    StepStatus.WAITING: "‖",
    StepStatus.SUCCEEDED: "✓",
    StepStatus.FAILED: "✗",
    StepStatus.TIMED_OUT: "T",
    StepStatus.CANCELLED: "-",
    StepStatus.SKIPPED: "»",
    StepStatus.LOST: "?",
}
DID_NOT_SUCCEED = (StepStatus.FAILED, StepStatus.TIMED_OUT, StepStatus.LOST)
WROTE_NOTHING = {StepStatus.PENDING, StepStatus.QUEUED, StepStatus.SKIPPED}


@dataclass(frozen=True)
class Cell:
    node: str
    status: str
    word: str
    tone: str
    mark: str
    log: str  # address; "" where there is none, or it may not be read


@dataclass(frozen=True)
class Failure:
    """Why a step did not succeed on a node."""

    node: str
    why: str
    log: str


@dataclass(frozen=True)
class Sum:
    """So many nodes of one status."""

    status: str
    count: int
    is_shown: bool  # the filter is on it


@dataclass(frozen=True)
class Matrix:
    step: StepRun
    total: int
    sums: list[Sum]
    cells: list[Cell]
    more: int  # that have no cell
    named: bool
    failures: list[Failure]  # the first few


def matrices(*, run: Run, steps: Iterable[StepRun], only: str, sees_output: bool) -> list[Matrix]:
    """Of each of STEPS that ran on nodes; ONLY nodes of that status have a cell. Two queries for all of them."""
    spread = [step for step in steps if step.nodes is not None and hasattr(step, "fan_out")]
    begun: dict[UUID, dict[str, str]] = {step.pk: {} for step in spread}
    parts = StepRun.objects.filter(run=run.pk, part_of__isnull=False) if spread else StepRun.objects.none()
    for whole, node, status in parts.order_by().values_list("part_of_id", "node", "status"):
        begun[whole][node] = status
    failures = _failures(run, sees_output=sees_output) if any(step.fan_out.failed for step in spread) else {}
    return [
        _matrix(
            step,
            dict(_statuses(step, begun[step.pk])),
            only=only,
            sees_output=sees_output,
            failures=failures.get(step.pk, []),
        )
        for step in spread
    ]


def _failures(run: Run, *, sees_output: bool) -> dict[UUID, list[Failure]]:
    """By the step; the earliest first, since what comes later often follows from it."""
    found: dict[UUID, list[Failure]] = defaultdict(list)
    rows = StepRun.objects.filter(run=run.pk, part_of__isnull=False, status__in=DID_NOT_SUCCEED)
    for one in rows.order_by("finished_at", "pk")[:MOST_FAILURES]:
        exit_code = _("exit code %(code)s") % {"code": one.exit_code} if one.exit_code is not None else ""
        why = one.detail or exit_code or str(WORDS[one.status].label)
        assert one.part_of_id is not None
        found[one.part_of_id].append(Failure(one.node, why, _log_of(one, one.node) if sees_output else ""))
    return found


def _statuses(step: StepRun, begun: dict[str, str]) -> Iterator[tuple[str, str]]:
    """In the order in which they are begun. A node without a step run waits for its batch, or never had its turn."""
    fan_out: FanOut = step.fan_out
    none_yet = StepStatus.SKIPPED if fan_out.stopped or step.status in STEP_FINAL else StepStatus.PENDING
    for node in fan_out.nodes:
        yield node, begun.get(node, none_yet)


def _matrix(
    step: StepRun, statuses: dict[str, str], *, only: str, sees_output: bool, failures: list[Failure]
) -> Matrix:
    counted = Counter(statuses.values())
    wanted = [(node, status) for node, status in statuses.items() if only in {"", status}]
    return Matrix(
        step=step,
        total=len(statuses),
        sums=[Sum(status, counted[status], only == status) for status in MARKS if counted[status] or only == status],
        cells=list(_cells(step, wanted[:MOST_CELLS], sees_output=sees_output)),
        more=max(0, len(wanted) - MOST_CELLS),
        named=len(wanted) <= MOST_NAMED,
        failures=failures,
    )


def _cells(step: StepRun, wanted: Sequence[tuple[str, str]], *, sees_output: bool) -> Iterator[Cell]:
    words = {status: str(WORDS[status].label) for status in MARKS}
    address = _log_of(step, "")
    for node, status in wanted:
        log = address + quote(node, safe="") if sees_output and status not in WROTE_NOTHING else ""
        yield Cell(node, status, words[status], WORDS[status].tone, MARKS[status], log)


def _log_of(step: StepRun, node: str) -> str:
    address = f"/api/v1/runs/{step.run_id}/log?{urlencode({'step': step.step, 'attempt': step.attempt})}&node="
    return address + quote(node, safe="")


def status_asked(text: str) -> str:
    """What the address filters by; anything else is no filter."""
    return text if text in MARKS else ""
