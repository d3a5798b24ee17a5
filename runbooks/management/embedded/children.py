"""The processes of an embedded installation, and how each is started."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

WEB_GRACE_SECONDS = 3
MAKES_OWN = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKE_TERMOUT", "MAKE_TERMERR")


@dataclass(frozen=True)
class Child:
    """One process that the supervisor keeps alive."""

    name: str
    command: list[str]
    keeps: list[int]  # descriptors that it inherits, besides the standard three
    stops_last: bool = False


@dataclass(frozen=True)
class Plan:
    """All that the supervisor needs to know."""

    children: list[Child]
    probe: tuple[str, int]  # where to ask for /readyz
    greeting: str  # shown once it is ready
    patience: float  # seconds that children get to stop

    def dump(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, data: bytes) -> "Plan":
        fields = json.loads(data)
        fields["children"] = [Child(**child) for child in fields["children"]]
        fields["probe"] = tuple(fields["probe"])
        return cls(**fields)


def broker(command: list[str]) -> Child:
    return Child(name="broker", command=command, keeps=[], stops_last=True)


def web(*, listening: int) -> Child:
    """Serves an address that the supervisor holds open: while web restarts, callers wait instead of being refused."""
    options = ["--fd", str(listening), "--timeout-graceful-shutdown", str(WEB_GRACE_SECONDS), "--log-level", "warning"]
    command = [*_python("uvicorn"), "opsaas.asgi:application", *options, "--no-access-log", "--no-proxy-headers"]
    return Child(name="web", command=command, keeps=[listening])


def worker(*, slots: int) -> Child:
    options = ["--pool=threads", f"--concurrency={slots}", "--loglevel=WARNING"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    celery = [*_python("celery"), "--quiet", "-A", "opsaas.celery"]
    return Child(name="worker", command=[*celery, "worker", *options, *quiet], keeps=[])


def scheduler(*, manage: Path) -> Child:
    return Child(name="scheduler", command=[sys.executable, str(manage), "scheduler", "--skip-checks"], keeps=[])


def environment(**more: str) -> dict[str, str]:
    """This process's own environment, without what `make` leaves there for its children."""
    own: Mapping[str, str] = os.environ
    return {name: value for name, value in own.items() if name not in MAKES_OWN} | more


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]
