"""Step 2 of the drill: migrate a scratch copy of the shop's database, and meet a real failure if one was asked for."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

FINE, FINDING = 0, 1
GREEN, DIM, RESET = "\x1b[32m", "\x1b[2m", "\x1b[0m"
DATABASE = Path("shop.sqlite")
PATIENCE = 1.0  # seconds that the migration waits for a lock

ADVICE = {
    "lock": """\
The database is locked: another session has an open transaction on the table orders.
What happened:  the migration waited {patience:g} s for the lock and gave up, before it had changed anything.
State now:      release {release} is fetched, the database is as it was, the old release serves the customers.
Do this:        find the session (report job "nightly-totals", step 3 of the diagnosis), ask its owner to end it,
                then run this runbook again. It is safe to repeat.
Do not:         switch to the new release by hand: it needs the column that this migration adds.""",
    "data": """\
A row breaks the new rule: order {order} has a negative amount, and 0042_order_totals allows none.
What happened:  the migration stopped at that row and was rolled back as a whole.
State now:      release {release} is fetched, the database is as it was, the old release serves the customers.
Do this:        have the owner of the data correct order {order}, then run this runbook again. It is safe to repeat.
Do not:         delete the row or weaken the rule in order to get through.""",
}


class MigrationFailed(Exception):
    """The message is the advice."""


def scratch_database(script: Path) -> None:
    with closing(sqlite3.connect(DATABASE)) as connection:
        connection.executescript(script.read_text(encoding="utf-8"))


@contextmanager
def another_session(failure: str) -> Iterator[None]:
    """What stands in the way in this drill."""
    with closing(sqlite3.connect(DATABASE, isolation_level=None)) as other:
        if failure == "migration_lock":
            other.execute("BEGIN IMMEDIATE")
            other.execute("UPDATE orders SET note = 'nightly-totals' WHERE id = 1")
        elif failure == "bad_data":
            other.execute("UPDATE order_lines SET cents = -1 WHERE order_id = 17")
        yield


def migrate(script: Path, release: str) -> int:
    """Runs the release's migration as one transaction; returns how many orders there are."""
    statements = [statement for statement in script.read_text(encoding="utf-8").split(";") if statement.strip()]
    with closing(sqlite3.connect(DATABASE, timeout=PATIENCE, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise MigrationFailed(ADVICE["lock"].format(patience=PATIENCE, release=release)) from error
        try:
            for statement in statements:
                connection.execute(statement)
        except sqlite3.IntegrityError as error:
            connection.execute("ROLLBACK")
            (order,) = connection.execute("SELECT order_id FROM order_lines WHERE cents < 0").fetchone()
            raise MigrationFailed(ADVICE["data"].format(order=order, release=release)) from error
        connection.execute("COMMIT")
        return int(connection.execute("SELECT count(*) FROM orders").fetchone()[0])


def write(variable: str, text: str) -> None:
    Path(os.environ.get(variable, os.devnull)).write_text(text, encoding="utf-8")


def main() -> int:
    release = os.environ["OPSAAS_PARAM_RELEASE"]
    samples = Path(os.environ["OPSAAS_PARAM_SAMPLES"])
    scratch_database(samples / "shop.sql")
    print(f"{DIM}Practising on a scratch copy of the shop's database{RESET}")
    print("::progress::30 migrating (0042_order_totals)")
    try:
        with another_session(os.environ["OPSAAS_PARAM_FAILURE"]):
            migrated = migrate(samples / "release" / "0042_order_totals.sql", release)
    except MigrationFailed as error:
        first, _, rest = str(error).partition("\n")
        print(f"::error::{first}")
        print(rest)
        advice = str(error).replace("\n", "\n    ")
        write("OPSAAS_SUMMARY_FILE", f"**The drill failed as it was meant to, in step 2 of 3.**\n\n    {advice}\n")
        return FINDING
    print(f"{GREEN}{migrated} orders migrated.{RESET}")
    write("OPSAAS_OUTPUT_FILE", f"migrated={migrated}\n")
    return FINE


if __name__ == "__main__":
    sys.exit(main())
