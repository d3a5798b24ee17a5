"""Figures in the form in which every part of the bench prints them."""

import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from tests.installation import Installation


def pss_megabytes(system: Installation) -> dict[str, float]:
    """By process title, after a moment of rest."""
    time.sleep(3)
    found = {}
    for pid, title in system.processes().items():
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        kilobytes = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        found[f"{title[:36]} {pid}"] = kilobytes / 1024
    return found


def show_times(name: str, milliseconds: Sequence[float]) -> None:
    p95 = statistics.quantiles(milliseconds, n=20)[18]
    print(f"{name:48} p50 {statistics.median(milliseconds):6.1f} ms   p95 {p95:6.1f} ms")


def cpu_seconds_of(pid: int) -> float:
    """What it has used so far, without its children; nothing once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
