"""After a rehearsal: are there as many rows as there should be? Reads what the step before has handed on."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

FINE, FINDING, UNKNOWN = 0, 1, 2


def write(variable: str, text: str) -> None:
    Path(os.environ.get(variable, os.devnull)).write_text(text, encoding="utf-8")


def main() -> int:
    expected = int(os.environ["OPSAAS_PARAM_ROWS_EXPECTED"])
    handed_on = json.loads(Path(os.environ.get("OPSAAS_OUTPUTS_FILE", os.devnull)).read_text(encoding="utf-8") or "{}")
    rehearsal = handed_on.get("rehearse", {})
    if "rows" not in rehearsal:
        print("::error::The rehearsal has told no number of rows.")
        write("OPSAAS_SUMMARY_FILE", "**Could not tell:** the rehearsal has told no number of rows.\n")
        return UNKNOWN
    rows, tables = int(rehearsal["rows"]), rehearsal.get("tables", "?")
    write("OPSAAS_OUTPUT_FILE", f"rows={rows}\nenough={'yes' if rows >= expected else 'no'}\n")
    told = f"{rows} rows in {tables} tables came back; at least {expected} were expected."
    if rows < expected:
        print(f"::error::{told} Find out what is missing before anybody relies on this backup.")
        write("OPSAAS_SUMMARY_FILE", f"**Act:** {told}\n")
        return FINDING
    print(told)
    write("OPSAAS_SUMMARY_FILE", f"{told} Somebody still has to look at them.\n")
    return FINE


if __name__ == "__main__":
    sys.exit(main())
