"""Files that show what somebody did or saw at a manual step: kept as artifacts are."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from runbooks.domain.files import MOST_BYTES
from runbooks.domain.pauses import MOST_EVIDENCE
from runbooks.domain.ports import GivenFile, NotStored
from runbooks.domain.problems import Invalid, Problem
from runbooks.live.storage import storage
from runbooks.models import Artifact, StepRun
from runbooks.models.ids import new_id
from runbooks.usecases.runs.artifacts import PREFIX

NO_FOLDER = "This installation has no OPSAAS_OUTPUT_DIR to keep files in: say in the note where the evidence is."


def check_evidence(files: Sequence[GivenFile]) -> None:
    """Raises Invalid."""
    size = sum(len(file.data) for file in files)
    if len(files) > MOST_EVIDENCE:
        raise _invalid("too_long", f"At most {MOST_EVIDENCE} files are taken.")
    if size > MOST_BYTES:
        raise _invalid("too_long", f"These files have {size:,} bytes; at most {MOST_BYTES:,} are taken, all together.")
    if files and storage() is None:
        raise _invalid("no_storage", NO_FOLDER)


def stored_evidence(*, step_run: StepRun, files: Sequence[GivenFile], now: datetime) -> list[Artifact]:
    """Rows to be written with the answer: an object without a row is removed as an orphan. Raises Invalid."""
    return [_stored(step_run=step_run, file=file, now=now) for file in files]


def told_evidence(artifacts: Sequence[Artifact]) -> dict[str, object]:
    """For the log, which is for more eyes than the files and their names."""
    told = [{"artifact": str(one.pk), "size": one.size, "sha256": one.sha256} for one in artifacts]
    return {"evidence": told} if told else {}


def _stored(*, step_run: StepRun, file: GivenFile, now: datetime) -> Artifact:
    place = storage()
    assert place is not None
    artifact = Artifact(
        id=new_id(),
        run_id=step_run.run_id,
        step_run=step_run,
        name=file.name,
        size=len(file.data),
        sha256=hashlib.sha256(file.data).hexdigest(),
    )
    artifact.key = f"{PREFIX}/{now:%Y/%m/%d}/{step_run.run_id}/{artifact.pk}"
    try:
        place.put(artifact.key, [file.data])
    except NotStored as error:
        raise _invalid("not_stored", f"The file could not be kept, and nothing was answered: {error}") from error
    return artifact


def _invalid(code: str, detail: str) -> Invalid:
    return Invalid([Problem("/evidence", code, detail)])
