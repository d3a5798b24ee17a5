"""Every runbook, run for real: with its own values, with some that lead to a finding, with some that make no sense."""

import os
import shutil
import socket
import sqlite3
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


GENEROUS = {"load_per_cpu": 1000, "memory_percent": 0, "swap_percent": 101}
GENEROUS |= {"pressure_percent": 101, "disk_percent": 101}


def test_a_healthy_machine_is_called_so(tmp_path: Path) -> None:
    (result,) = run("system-health-snapshot", tmp_path, **GENEROUS)
    assert (result.exit_code, result.outputs["findings"]) == (FINE, "0"), result.output


def test_each_limit_of_the_machine_is_a_finding_of_its_own(tmp_path: Path) -> None:
    (result,) = run("system-health-snapshot", tmp_path, **(GENEROUS | {"memory_percent": 100, "disk_percent": 0}))
    assert result.exit_code == FINDING
    looked_at = [line for line in result.lines if line.startswith("\x1b[31mlook")]
    assert len(looked_at) == int(result.outputs["findings"]) >= 1
    assert "memory available" in looked_at[0]


def test_a_success_right_after_guesses_is_told_first(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    guess = "2026-11-02T03:11:0{}.5+00:00 web sshd[7]: Failed password for {} from 203.0.113.5 port 4 ssh2\n"
    users = ["root", "invalid user x|<b>", "root", "a\x1b[31m", "root from 192.0.2.1 port 9"]
    success = "2026-11-02T03:12:00.5+00:00 web sshd[7]: Accepted password for root from 203.0.113.5 port 4 ssh2\n"
    log.write_text("".join(guess.format(n, user) for n, user in enumerate(users)) + success)
    (result,) = run("failed-sign-ins", tmp_path, path=log)
    assert result.exit_code == FINDING
    assert result.outputs == {
        "failures": "5",
        "addresses": "1",
        "suspicious_sign_ins": "1",
        "worst_address": "203.0.113.5",
    }
    assert "::error::root signed in from 203.0.113.5 right after 5 failures" in result.output
    assert "a\x1b" not in result.output
    assert "x\\|\\<b\\>" in result.summary


def test_a_listener_that_is_not_on_the_list_is_found_and_an_allowed_one_is_not(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        others = f"0-{port - 1}\n{port + 1}-65535"
        (result,) = run("listening-ports", tmp_path, allowed=others, loopback_is_fine=False)
        (tmp_path / "again").mkdir()
        (lenient,) = run("listening-ports", tmp_path / "again", allowed=others)
    assert (result.exit_code, result.outputs["unexpected_ports"]) == (FINDING, f"{port}/tcp")
    assert f"({os.getpid()})" in next(line for line in result.lines if f"{port}/tcp" in line)
    assert lenient.exit_code == FINE


def test_an_ipv6_listener_is_shown_with_its_address(tmp_path: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        (result,) = run("listening-ports", tmp_path, allowed="")
        row = next(line for line in result.lines if f" {listener.getsockname()[1]}/tcp " in line)
    assert " ::1 " in row
    assert "local only" in row


def test_a_deleted_file_that_is_still_open_is_found(tmp_path: Path) -> None:
    victim = tmp_path / "tree" / "gone.log"
    victim.parent.mkdir()
    with victim.open("wb") as file:
        file.write(b"x" * 300_000)
        file.flush()
        os.fsync(file.fileno())
        victim.unlink()
        (result,) = run("disk-pressure", tmp_path, path=victim.parent, limit_percent=100)
    assert f"process {os.getpid()} (" in result.output
    assert str(victim) in result.output


def test_a_file_name_cannot_forge_a_line_of_the_output(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a\x1b[2J\r::error::forged").write_bytes(b"x" * 9000)
    (result,) = run("disk-pressure", tmp_path, path=tree, limit_percent=100)
    assert "a?[2J?::error::forged" in result.output


def test_a_real_database_is_kept_at_its_destination_and_holds_the_same(tmp_path: Path) -> None:
    source, destination = tmp_path / "live.db", tmp_path / "backups"
    destination.mkdir()
    live = sqlite3.connect(source)
    live.execute("PRAGMA journal_mode=WAL")
    live.execute('CREATE TABLE "odd ""name" (id INTEGER PRIMARY KEY, body BLOB)')
    live.execute('INSERT INTO "odd ""name" (body) VALUES (?), (?)', (b"\0\xff", "text"))
    live.commit()
    result = run("backup-sqlite", tmp_path, database=source, destination=destination)[-1]
    live.close()
    assert result.exit_code == FINE, result.output
    backup = Path(result.outputs["backup_file"])
    assert backup.parent == destination
    assert backup.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(backup) as copy:
        assert copy.execute('SELECT body FROM "odd ""name"').fetchall() == [(b"\0\xff",), ("text",)]


def test_a_damaged_database_is_not_called_a_backup(tmp_path: Path) -> None:
    source = tmp_path / "bad.db"
    with sqlite3.connect(source) as database:
        database.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        database.execute("CREATE TABLE child (parent_id INTEGER REFERENCES parent (id))")
        database.execute("INSERT INTO child VALUES (7)")
    result = run("backup-sqlite", tmp_path, database=source)[-1]
    assert result.exit_code == FINDING
    assert "::error::Do not rely on this backup: 1 rows refer to rows that do not exist" in result.output
    assert result.outputs["integrity"] == "failed"


def test_a_writer_that_was_not_told_keeps_its_old_file(tmp_path: Path) -> None:
    (result,) = run("rotate-application-log", tmp_path, name="search.log", signal_the_writer=False)
    assert result.exit_code == FINDING
    assert "did not open a new log" in result.output
    assert (result.folder / "search.log.1").is_file(), "the file that is still written to must not be compressed"


@pytest.mark.parametrize(
    ("failure", "codes", "piece"),
    [
        ("migration_lock", [0, 1], "::error::The database is locked"),
        ("bad_data", [0, 1], "order 17 has a negative amount"),
        ("none", [0, 0, 0], "Release 2026.11.3 is in service"),
    ],
)
def test_the_drill_fails_where_it_should(tmp_path: Path, failure: str, codes: list[int], piece: str) -> None:
    results = run("drill-failed-deployment", tmp_path, failure=failure)
    assert [result.exit_code for result in results] == codes, results[-1].output
    assert piece in results[-1].output


def test_the_long_log_has_exactly_the_lines_that_it_says(tmp_path: Path) -> None:
    (result,) = run("log-viewer-exercise", tmp_path)
    assert result.exit_code == FINE
    assert result.output.count("\n") == 20_000
    assert result.outputs == {"lines": "20000", "chapters": "20"}
    for piece in ("\x1b[31;42m", "\x1b[48;5;200m", "\x1b[48;2;", "\r", "日本語", "::warning::", "::error::", "\x1b[2J"):
        assert piece in result.output, repr(piece)
    assert result.output.count("::group::") == result.output.count("::endgroup::") == 20
    assert sum("request 349 " in line for line in result.output.split("\n")) == 2


def test_control_sequences_can_be_left_out(tmp_path: Path) -> None:
    (result,) = run("log-viewer-exercise", tmp_path, lines=10_000, control_sequences=False)
    assert result.output.count("\n") == 10_000
    assert "\x1b[2J" not in result.output
    assert "\a" not in result.output
