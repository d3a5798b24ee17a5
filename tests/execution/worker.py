"""A worker process for tests to kill or pause: runs one script with a tree, and prints how it ended."""

import sys
from pathlib import Path

from runbooks.execution.local import LocalExecutor
from runbooks.execution.recipes import HOST
from tests.execution.helpers import HeldLease, Sink, work

TREE = "trap '' TERM; setsid sh -c \"trap '' TERM HUP; while :; do sleep 1; done\" & while :; do sleep 1; done"


def main(base_folder: str, run_id: str, lease_seconds: str, recipe: str) -> None:
    with LocalExecutor(base_folder=Path(base_folder), recipes=(recipe, HOST)) as executor:
        lease = HeldLease(seconds=float(lease_seconds))
        outcome = executor.execute(work=work(TREE, run_id=run_id, timeout_seconds=60), sink=Sink(), lease=lease)
    print(outcome.kind)


if __name__ == "__main__":
    main(*sys.argv[1:])
