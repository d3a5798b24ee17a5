"""What a script is kept within: as a definition asks for it, as the installation demands it, as a plan freezes it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from runbooks.domain.ports import Containment, JsonValue, Level
from runbooks.domain.problems import Problem

STRENGTH = [Level.HOST, Level.PROCESS, Level.FULL]
LEAST_MEMORY = 16 << 20  # less, and no interpreter begins
LONGEST_CPU_SECONDS = 24 * 3600
_UNITS = {"s": 1, "m": 60, "h": 3600, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def stronger(*levels: Level | None) -> Level:
    return max((level for level in levels if level is not None), key=STRENGTH.index, default=Level.HOST)


def at_least(containment: Containment, minimum: Level) -> Containment:
    """What both the definition and the installation are content with."""
    if minimum is Level.HOST:
        return containment
    level = None if containment.level is None else stronger(containment.level, minimum)
    return replace(containment, level=level, least=stronger(containment.least, minimum))


def as_json(containment: Containment) -> dict[str, JsonValue]:
    """Level and network always, the rest where it is set."""
    return {"level": None, **{name: value for name, value in asdict(containment).items() if value is not None}}


def from_json(data: Mapping[str, JsonValue]) -> Containment:
    levels = {name: Level(str(data[name])) for name in ("level", "least") if data.get(name) is not None}
    return Containment(**{**data, **levels})  # type: ignore[arg-type]


def parsed(fields: Mapping[str, Any]) -> Containment:
    """From a definition, that the schema has accepted."""
    return Containment(
        level=Level(fields["level"]) if "level" in fields else None,
        network=fields.get("network", True),
        memory_bytes=_amount(fields.get("memory")),
        cpu_seconds=_amount(fields.get("cpu")),
        processes=fields.get("processes"),
        open_files=fields.get("open_files"),
        file_bytes=_amount(fields.get("file_size")),
    )


def containment_problems(containment: Containment, *, pointer: str) -> Iterator[Problem]:
    """Whether the demands agree with each other, and are such that anything can run."""
    weak = containment.level not in (None, Level.FULL)
    if weak and not containment.network:
        detail = "A script without network needs the level full: ask for that, or for no level."
        yield Problem(f"{pointer}/network", "contradiction", detail)
    if containment.level is Level.HOST and containment.processes is not None:
        detail = "At the level host the processes of all scripts are counted together: ask for process or full."
        yield Problem(f"{pointer}/processes", "contradiction", detail)
    if containment.memory_bytes is not None and containment.memory_bytes < LEAST_MEMORY:
        yield Problem(f"{pointer}/memory", "out_of_range", "No interpreter begins with less than 16MiB.")
    if containment.cpu_seconds is not None and not 1 <= containment.cpu_seconds <= LONGEST_CPU_SECONDS:
        yield Problem(f"{pointer}/cpu", "out_of_range", "Processor time must lie between 1s and 24h.")


def not_over_ssh(containment: Containment) -> str | None:
    """Why nothing can be started on a node within this, where there is only an ordinary process of an account. Limits
    are another matter: each node is asked whether it can keep them."""
    for level in (containment.level, containment.least):
        if level not in {None, Level.HOST}:
            return f'The containment level "{level}" is required, and over SSH there is only "host".'
    if not containment.network:
        return "The script is to have no network, and that can't be kept from it over SSH."
    return None


def _amount(text: str | None) -> int | None:
    """ "512MiB" in bytes, "5m" in seconds."""
    if text is None:
        return None
    number, unit = re.findall("[0-9]+|[A-Za-z]+", text)
    return int(number) * _UNITS[unit]
