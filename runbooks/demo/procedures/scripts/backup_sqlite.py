"""A backup of a SQLite database while it is in use, proved by restoring it and comparing every table.

Source and backup are compared as of one moment: one read transaction is open from the copy to the last checksum.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

FINE, FINDING, UNKNOWN = 0, 1, 2
RED, GREEN, DIM, RESET = "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"

Fingerprints = dict[str, tuple[int, str]]  # table: rows, SHA-256 of them all


class CannotTell(Exception):
    """There was nothing to back up, or no way to read it."""


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The database as it is at this moment, whatever others write meanwhile."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)) as connection:
        connection.text_factory = bytes  # also text that is not valid UTF-8
        connection.execute("BEGIN")
        yield connection


def sample_database(script: Path) -> Path:
    """The shipped sample is text: built into a database of the working folder first."""
    built = Path(script.stem + ".sqlite").resolve()
    with closing(sqlite3.connect(built)) as connection:
        connection.executescript(script.read_text(encoding="utf-8"))
    print(f"{DIM}Built {built.name} from {script.name}{RESET}")
    return built


def tables_of(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    names = [name.decode("utf-8", "surrogateescape") for (name,) in found]
    return sorted(name for name in names if not name.startswith("sqlite_"))  # those are SQLite's own


def fingerprint(connection: sqlite3.Connection, table: str) -> tuple[int, str]:
    """Rows and a checksum that does not depend on their order in the file."""
    quoted = '"' + table.replace('"', '""') + '"'
    rows, total = 0, 0
    for row in connection.execute(f"SELECT * FROM {quoted}"):  # noqa: S608 (a name from the schema, quoted)
        total += int.from_bytes(hashlib.sha256(repr(row).encode()).digest(), "big")
        rows += 1
    return rows, f"{total % 2**256:064x}"


def fingerprints(connection: sqlite3.Connection) -> Fingerprints:
    return {table: fingerprint(connection, table) for table in tables_of(connection)}


def complaints(connection: sqlite3.Connection) -> list[str]:
    """What SQLite itself finds wrong."""
    said = [text.decode("utf-8", "replace") for (text,) in connection.execute("PRAGMA integrity_check(5)")]
    found = [text for text in said if text != "ok"]
    if broken := len(connection.execute("PRAGMA foreign_key_check").fetchall()):
        found.append(f"{broken} rows refer to rows that do not exist")
    return found


def copy(source: sqlite3.Connection, target: Path) -> None:
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)  # never over an older backup
    os.close(descriptor)
    with closing(sqlite3.connect(target)) as backup:
        source.backup(backup)


def back_up(database: Path, target: Path) -> tuple[Fingerprints, Fingerprints, list[str]]:
    with reading(database) as source:
        print("::progress::10 copying")
        copy(source, target)
        print("::progress::40 reading the source again")
        before = fingerprints(source)
    print("::progress::60 restoring and checking")
    restored = Path("restored.sqlite")
    shutil.copyfile(target, restored)
    with reading(restored) as connection:
        return before, fingerprints(connection), complaints(connection)


def compare(before: Fingerprints, after: Fingerprints) -> tuple[list[str], list[str]]:
    """Rows for the summary, and the tables that differ."""
    rows, differing = ["| table | rows | restored | checksum |", "|---|---:|---:|---|"], []
    for table in sorted(before.keys() | after.keys()):
        left, right = before.get(table, (0, "absent")), after.get(table, (0, "absent"))
        same = left == right
        word, colour = ("same", GREEN) if same else ("DIFFERS", RED)
        print(f"{colour}{word:<8}{RESET} {printable(table):<24} {left[0]:>8} rows  {DIM}{left[1][:16]}{RESET}")
        rows.append(f"| {markdown(printable(table))} | {left[0]} | {right[0]} | {word} |")
        if not same:
            differing.append(table)
    return rows, differing


def file_checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def markdown(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", text)


def leave(headline: str, rows: list[str], outputs: dict[str, object]) -> None:
    write("OPSAAS_SUMMARY_FILE", "\n".join([headline, "", *rows, ""]))
    write("OPSAAS_OUTPUT_FILE", "".join(f"{name}={value}\n" for name, value in outputs.items()))


def write(variable: str, text: str) -> None:
    Path(os.environ.get(variable, os.devnull)).write_text(text, encoding="utf-8")


def backed_up_to(database: Path, destination: str | None) -> tuple[Path, Fingerprints, Fingerprints, list[str]]:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    target = Path(destination or ".").resolve() / f"{database.stem}-{stamp}.sqlite"
    try:
        return target, *back_up(database, target)
    except FileExistsError as error:
        raise CannotTell(f"{target.name} is there already: wait a second and run this again.") from error
    except sqlite3.DatabaseError as error:
        target.unlink(missing_ok=True)
        raise CannotTell(f"{printable(database.name)} cannot be read as a SQLite database: {error}.") from error


def prove(database: Path, destination: str | None) -> int:
    target, before, after, wrong = backed_up_to(database, destination)
    rows, differing = compare(before, after)
    problems = [*wrong, *(f"{table} differs after the restore" for table in differing)]
    total = sum(count for count, _ in before.values())
    outputs: dict[str, object] = {"tables": len(before), "rows": total, "bytes": target.stat().st_size}
    outputs |= {"sha256": file_checksum(target), "integrity": "failed" if problems else "ok"}
    if destination:
        outputs["backup_file"], kept = printable(str(target)), f"Kept as `{printable(str(target))}`."
    else:
        kept = "A rehearsal: no destination was given, so the backup goes away with the run."
    if problems:
        print(f"::error::Do not rely on this backup: {'; '.join(map(printable, problems))}. {kept}")
        told = [f"- {markdown(printable(problem))}" for problem in problems]
        leave(f"**Act:** do not rely on this backup. {kept}", [*told, "", *rows], outputs)
        return FINDING
    print(f"\n{GREEN}{len(before)} tables, {total} rows: the restored copy equals the source.{RESET} {kept}")
    leave(f"{len(before)} tables and {total} rows restored and equal to the source. {kept}", rows, outputs)
    return FINE


def main() -> int:
    database = Path(os.environ["OPSAAS_PARAM_DATABASE"])
    try:
        if not database.is_file():
            raise CannotTell("The database that was named is not a file on this machine.")
        if database.suffix == ".sql":
            database = sample_database(database)
        return prove(database, os.environ.get("OPSAAS_PARAM_DESTINATION"))
    except (CannotTell, OSError) as error:
        print(f"::error::{error}")
        leave(f"**Could not tell:** {markdown(str(error))}", [], {})
        return UNKNOWN


if __name__ == "__main__":
    sys.exit(main())
