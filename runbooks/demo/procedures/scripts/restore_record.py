"""The record of a restore drill, as an artifact: the figures of the steps before, who asked for it, and when."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

FIGURES = ("tables", "rows", "bytes", "sha256", "integrity")


def main() -> int:
    handed_on = json.loads(Path(os.environ.get("OPSAAS_OUTPUTS_FILE", os.devnull)).read_text(encoding="utf-8") or "{}")
    rehearsal = handed_on.get("rehearse", {})
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    lines = [
        "# Restore drill",
        "",
        f"- when: {when}",
        f"- asked for by: {os.environ.get('OPSAAS_ACTOR', 'unknown')}",
        f"- run: {os.environ.get('OPSAAS_RUN_ID', 'none')}",
        f"- database: `{os.environ['OPSAAS_PARAM_DATABASE']}`",
        f"- rows expected at least: {os.environ['OPSAAS_PARAM_ROWS_EXPECTED']}",
        *(f"- {name}: {rehearsal.get(name, 'not told')}" for name in FIGURES),
        "",
        "Restored, compared table by table, and judged by a person; the answer is in the audit log of the run.",
        "",
    ]
    record = "\n".join(lines)
    if folder := os.environ.get("OPSAAS_ARTIFACTS_DIR"):
        Path(folder, "restore-drill.md").write_text(record, encoding="utf-8")
    Path(os.environ.get("OPSAAS_SUMMARY_FILE", os.devnull)).write_text(record, encoding="utf-8")
    print(f"The record is written: {rehearsal.get('rows', 'no')} rows came back and were judged good.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
