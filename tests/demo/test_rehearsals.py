"""The runbooks that judge data: logs, databases, drills."""

import sqlite3
from pathlib import Path

import pytest

from tests.demo.running import run

FINE, FINDING = 0, 1


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
    (result,) = run("rotate-application-log", tmp_path, name="search.log", signal_the_writer=False, patience_seconds=1)
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
    with sqlite3.connect(results[1].folder / "shop.sqlite") as shop:
        columns = [row[1] for row in shop.execute("PRAGMA table_info(orders)")]
    assert ("total" in columns) == (failure == "none"), "what failed must have changed nothing"
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


def test_a_forecast_carries_its_ticket_and_its_note(tmp_path: Path) -> None:
    note = "Ask Ines first.\n<b>Not</b> on Fridays."
    (result,) = run("capacity-forecast", tmp_path, ticket="OPS-1234", note=note, warn_days=3650)
    assert "**Act:** `/var/lib/postgresql on db-1` (OPS-1234): it will be full" in result.summary
    assert "    Ask Ines first.\n    <b>Not</b> on Fridays." in result.summary


def test_a_key_is_changed_without_a_gap(tmp_path: Path) -> None:
    (result,) = run("rotate-signing-key", tmp_path, env="production")
    assert result.exit_code == FINE, result.output
    assert "Both verify." in result.output
    assert "Key of **production** changed" in result.summary
