"""On which machines a runbook's steps run, how many at a time, and when to stop: what `spec.targets` says."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from runbooks.domain.machines.selectors import selector_problem
from runbooks.domain.problems import Problem

AMOUNT = "^([0-9]{1,6}|(100|[0-9]{1,2})%)$"
MOST_NODES = 10_000

T = TypeVar("T")


class Order(StrEnum):
    NAME = "name"
    REVERSE = "reverse"


@dataclass(frozen=True)
class Amount:
    """So many, or so many of a hundred."""

    number: int
    percent: bool = False

    def of(self, total: int) -> int:
        return total * self.number // 100 if self.percent else self.number

    def __str__(self) -> str:
        return f"{self.number}%" if self.percent else str(self.number)


@dataclass(frozen=True)
class Targets:
    select: str  # CEL, or a query of tags
    batch: Amount | None = None  # None: all at once
    in_flight: int | None = None  # at the same time, within a batch; None: as many as workers take
    max_failures: Amount = Amount(0)  # more than so many: no further node is begun
    order: Order = Order.NAME
    canary: int = 0  # nodes that go first, alone, and of which none may fail
    without_maintained: bool = False  # nodes in maintenance are left out; else they refuse the run


@dataclass(frozen=True)
class PlannedNode:
    """One machine of a plan, as it was at the start. If any of this has changed at the claim, nothing is done there."""

    id: str
    name: str
    host: str
    port: int
    user: str
    keys: str  # SHA-256 over the pinned host keys
    zone: str = ""
    way: tuple[str, ...] = ()  # the machines to go through, each as user@host:port with the hash of its keys


@dataclass(frozen=True)
class Window:
    """How far a step has come on its nodes, and so what may be begun now."""

    total: int
    begun: int = 0  # were queued, and may have ended since
    ended: int = 0
    failed: int = 0


def targets_of(fields: Mapping[str, Any] | None) -> Targets | None:
    """FIELDS are those of `spec.targets`, which the schema has accepted."""
    if fields is None:
        return None
    return Targets(
        select=fields["select"],
        batch=amount_of(fields["batch"]) if "batch" in fields else None,
        in_flight=int(fields["in_flight"]) if "in_flight" in fields else None,
        max_failures=amount_of(fields.get("max_failures", 0)),
        order=Order(fields.get("order", Order.NAME)),
        canary=int(fields.get("canary", 0)),
        without_maintained=fields.get("maintenance") == "leave_out",
    )


def amount_of(value: float | str) -> Amount:
    """5, "5" or "5%"."""
    if isinstance(value, str):
        return Amount(int(value.rstrip("%")), percent=value.endswith("%"))
    return Amount(int(value))


def targets_problems(fields: Mapping[str, Any], *, pointer: str = "/spec/targets") -> Iterator[Problem]:
    """What the schema can't say."""
    if problem := selector_problem(fields["select"]):
        yield Problem(f"{pointer}/select", "invalid_condition", problem)
    for name, least in (("batch", 1), ("max_failures", 0)):
        value = fields.get(name, least)
        if not isinstance(value, str) and not least <= value <= MOST_NODES:
            yield Problem(
                f"{pointer}/{name}", "out_of_range", f"Give {least} to {MOST_NODES:,}, or a share such as 10%."
            )
        if isinstance(value, str) and amount_of(value).number < least:
            yield Problem(f"{pointer}/{name}", "out_of_range", "A share of nothing would never begin.")
    for name, least in (("in_flight", 1), ("canary", 0)):
        value = fields.get(name, least)
        if not least <= value <= MOST_NODES:
            yield Problem(f"{pointer}/{name}", "out_of_range", f"Give {least} to {MOST_NODES:,}.")


def ordered(nodes: Iterable[T], order: Order, name: Callable[[T], str]) -> list[T]:
    """By NAME, numbers as numbers: web2 comes before web10."""
    return sorted(nodes, key=lambda node: _natural(name(node)), reverse=order is Order.REVERSE)


def batches(targets: Targets, total: int) -> list[int]:
    """Sizes, the canary first."""
    first = min(targets.canary, total)
    rest, size = total - first, max(1, targets.batch.of(total)) if targets.batch else max(1, total)
    sizes = [size] * (rest // size) + ([rest % size] if rest % size else [])
    return [first, *sizes] if first else sizes


def may_begin(targets: Targets, window: Window) -> int:
    """How many more nodes may be begun at this moment."""
    if stopped(targets, window):
        return 0
    end = 0
    for size in batches(targets, window.total):
        end += size
        if window.ended < end:
            break
    open_ones = window.begun - window.ended
    free = end - window.begun
    return max(0, min(free, targets.in_flight - open_ones) if targets.in_flight else free)


def stopped(targets: Targets, window: Window) -> bool:
    """Whether more have failed than may: none of the canary, then so many of all."""
    if window.failed and window.begun <= targets.canary:
        return True
    return window.failed > targets.max_failures.of(window.total)


def _natural(name: str) -> Any:
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]
