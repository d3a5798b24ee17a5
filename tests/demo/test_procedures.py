"""Every runbook, run for real: with its own values, with some that lead to a finding, with some that make no sense."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runbooks.demo.load import SAMPLES
from tests.demo.running import PATH, run

FINE, FINDING, UNKNOWN = 0, 1, 2
NO_FILE = "/nonexistent/file"


@dataclass(frozen=True)
class Case:
    slug: str
    exit_code: int
    piece: str  # of the output
    values: dict[str, object] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)  # some of them

    def __str__(self) -> str:
        return " ".join([self.slug, *(f"{name}={value}" for name, value in self.values.items())])[:80]


NEEDS = {"request-log-report": "node", "http-endpoint-check": "curl"}  # all others need what every machine has

CASES = [
    Case("request-log-report", FINE, "POST /payments/:id/authorise", outputs={"requests": "360", "slow": "0"}),
    Case("request-log-report", FINE, "2026-11-02T03:00", values={"group_by": "hour"}, outputs={"errors": "3"}),
    Case("request-log-report", FINDING, "::error::p95 above 300 ms: GET /reports/", values={"budget_ms": 300}),
    Case("request-log-report", FINDING, "0.83 % of the requests failed", values={"error_percent": 0.5}),
    Case("request-log-report", UNKNOWN, "No line of the file is a request", values={"path": str(SAMPLES / "auth.log")}),
    Case("request-log-report", UNKNOWN, "cannot be read", values={"path": NO_FILE}),
    Case("tls-certificate-expiry", FINE, "shop.example.org", outputs={"valid_until": "2046-01-01T00:00:00Z"}),
    Case("tls-certificate-expiry", UNKNOWN, "::error::/nonexistent/file cannot be read", values={"target": NO_FILE}),
    Case("tls-certificate-expiry", UNKNOWN, "holds no certificate", values={"target": str(SAMPLES / "auth.log")}),
    Case("tls-certificate-expiry", UNKNOWN, "Connection refused", values={"target": "127.0.0.1:1"}),
    Case(
        "disk-pressure",
        FINE,
        "release",
        values={"path": str(SAMPLES), "limit_percent": 100},
        outputs={"unread_folders": "0"},
    ),
    Case(
        "disk-pressure",
        FINDING,
        "::error::The filesystem is at or above",
        values={"path": str(SAMPLES), "limit_percent": 1},
    ),
    Case("disk-pressure", UNKNOWN, "::error::/nonexistent/file is not a folder", values={"path": NO_FILE}),
    Case("failed-sign-ins", FINE, "203.0.113.77", outputs={"failures": "82", "worst_address": "203.0.113.77"}),
    Case(
        "failed-sign-ins",
        FINDING,
        "::error::203.0.113.77 failed 46 times",
        values={"alarm_at": 46},
        outputs={"suspicious_sign_ins": "0"},
    ),
    Case(
        "failed-sign-ins",
        FINE,
        "192.0.2.31",
        values={"only_user": "tomas"},
        outputs={"failures": "2", "addresses": "1"},
    ),
    Case("failed-sign-ins", UNKNOWN, "No such file or directory", values={"path": NO_FILE}),
    Case("failed-sign-ins", UNKNOWN, "is a folder", values={"path": str(SAMPLES)}),
    Case(
        "failed-sign-ins",
        FINE,
        "is it the right log?",
        values={"path": str(SAMPLES / "search.log")},
        outputs={"failures": "0"},
    ),
    Case("listening-ports", FINE, "is on the allow-list", values={"allowed": "0-65535"}, outputs={"unexpected": "0"}),
    Case("listening-ports", UNKNOWN, "Line 2 of the allow-list is not a port", values={"allowed": "22\nssh"}),
    Case("listening-ports", UNKNOWN, "Line 1 of the allow-list is not a range", values={"allowed": "90-80"}),
    Case("process-memory-report", FINE, "MiB available", outputs={"above_limit": "0"}),
    Case("process-memory-report", FINDING, "::error::Above 1 MiB: ", values={"limit_mib": 1, "sort_by": "threads"}),
    Case(
        "process-memory-report",
        FINE,
        "No process has this",
        values={"name_contains": "no such program"},
        outputs={"processes": "0"},
    ),
    Case("capacity-forecast", FINE, "full in 34 days", outputs={"days_left": "34", "full_on": "2026-12-10"}),
    Case(
        "capacity-forecast",
        FINDING,
        "::error::It will be full in 34 days",
        values={"warn_days": 35},
        outputs={"days_left": "34"},
    ),
    Case(
        "capacity-forecast",
        FINDING,
        "::error::It is full already",
        values={"capacity": 400},
        outputs={"days_left": "0"},
    ),
    Case(
        "capacity-forecast",
        FINE,
        "does not grow",
        values={"measurements": "2026-11-01 5\n2026-11-02 5"},
        outputs={"days_left": "never"},
    ),
    Case(
        "capacity-forecast", FINE, "full in 23 days", values={"extra_per_day": 2}, outputs={"growth_per_day": "6.594"}
    ),
    Case(
        "capacity-forecast",
        FINDING,
        "::error::It will be full in 34 days, on 2026-12-10: before 2026-12-24, when more is to come.",
        values={"relief_at": "2026-12-24T08:00:00+01:00", "show": []},
    ),
    Case("capacity-forecast", FINE, "full in 34 days", values={"relief_at": "2026-12-10T23:00:00Z", "show": ["chart"]}),
    Case(
        "capacity-forecast",
        FINE,
        "It does not grow",
        values={"measurements_file": {"name": "days.txt", "content": "MjAyNi0xMS0wMSA1CjIwMjYtMTEtMDIgNQo="}},
        outputs={"days_left": "never"},
    ),
    Case("capacity-forecast", FINE, "full in 28 days", values={"assume_worst": True}),
    Case(
        "capacity-forecast",
        FINE,
        "in TiB, usable 660.0 of 660.0",
        values={"unit": "TiB", "capacity": 660, "reserve_percent": 0},
    ),
    Case(
        "capacity-forecast",
        FINE,
        "on 2024-03-01",
        values={"measurements": "2024-02-26 568\n2024-02-28 569", "warn_days": 1},
    ),
    Case(
        "capacity-forecast",
        FINE,
        "on 2025-01-01",
        values={"measurements": "2024-12-30 568\n2024-12-31 569", "warn_days": 1},
    ),
    Case("capacity-forecast", UNKNOWN, "two days or more", values={"measurements": "2026-11-01 5"}),
    Case(
        "capacity-forecast",
        UNKNOWN,
        "Line 2 of the measurements",
        values={"measurements": "2026-02-28 5\n2026-02-29 6"},
    ),
    Case("capacity-forecast", UNKNOWN, "not later than", values={"measurements": "2026-11-02 5\n2026-11-01 6"}),
    Case("capacity-forecast", UNKNOWN, "is not a date and a number", values={"measurements": "yesterday 5"}),
    Case("log-viewer-exercise", FINE, "colour  0", values={"lines": 2}, outputs={"lines": "2"}),
    Case(
        "rotate-application-log",
        FINE,
        "lines are there, in order",
        values={"name": "checkout.log"},
        outputs={"rotations": "2"},
    ),
    Case(
        "rotate-application-log",
        UNKNOWN,
        "is not among the samples",
        values={"name": "search.log", "samples": "/nonexistent"},
    ),
    Case("dns-and-reachability", FINDING, "Connection refused", values={"port": 1}, outputs={"reachable": "no"}),
    Case(
        "http-endpoint-check",
        FINDING,
        "nothing accepts the connection",
        values={"url": "http://127.0.0.1:1/"},
        outputs={"answered": "no"},
    ),
    Case("http-endpoint-check", UNKNOWN, "the address is malformed", values={"url": "http://127.0.0.1:x/"}),
    Case("restore-drill", FINE, "2440 rows came back and were judged good"),
    Case(
        "restore-drill",
        FINDING,
        "2440 rows in",
        values={"rows_expected": 9999},
        outputs={"rows": "2440", "enough": "no"},
    ),
    Case("restore-drill", UNKNOWN, "There is no such file", values={"database": NO_FILE}),
    Case("backup-sqlite", FINE, "the restored copy equals the source", outputs={"rows": "2440", "integrity": "ok"}),
    Case("backup-sqlite", UNKNOWN, "There is no such file", values={"database": NO_FILE}),
    Case(
        "backup-sqlite", UNKNOWN, "cannot be read as a SQLite database", values={"database": str(SAMPLES / "auth.log")}
    ),
    Case("backup-sqlite", UNKNOWN, "The destination is not a folder", values={"destination": NO_FILE}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_runbook_does_what_it_says(case: Case, tmp_path: Path) -> None:
    if shutil.which(tool := NEEDS.get(case.slug, "sh"), path=PATH) is None:
        pytest.skip(f"{tool} is not installed here")
    last = run(case.slug, tmp_path, **case.values)[-1]
    assert (last.exit_code, case.piece in last.output) == (case.exit_code, True), last.output[-3000:]
    assert case.outputs.items() <= last.outputs.items()
    assert len(last.summary.strip()) > 20
    assert ("::error::" in last.output) == (case.exit_code != FINE)
