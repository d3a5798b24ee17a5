"""Files that a run's scripts left: into the storage, a row for each, as far as the limits go."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from runbooks.domain.ports import NotStored, Storage
from runbooks.domain.problems import printable
from runbooks.domain.secrecy.redaction import Masker
from runbooks.domain.states import StepStatus
from runbooks.live.append import FenceLost, StepKey
from runbooks.live.insist import insist
from runbooks.live.storage import storage
from runbooks.models import Artifact, StepRun
from runbooks.models.ids import new_id

log = logging.getLogger(__name__)

MOST_ARTIFACTS = 100  # of one step run
PREFIX = "artifacts"
PIECE_BYTES = 1 << 20


class ContentChanged(NotStored):
    """What lies in the storage is not what was put there."""


class HoldsSecret(Exception):
    """Nothing of it is kept: with `***` in its middle, an archive or a database would be broken and not say so."""


class StoredArtifacts:
    """The `ArtifactKeeper` of one claimed step run. MASKER knows the secrets that the run has by now."""

    def __init__(
        self, *, key: StepKey, release: Callable[[], None], clock: Callable[[], datetime], masker: Masker
    ) -> None:
        self._key, self._release, self._clock, self._masker = key, release, clock, masker
        self._count = self._bytes = 0

    def keep(self, *, name: str, size: int, pieces: Iterable[bytes]) -> str:
        place = storage()
        if place is None:
            return "is not kept: this installation has no OPSAAS_OUTPUT_DIR to keep artifacts in"
        if self._count >= MOST_ARTIFACTS:
            return f"is not kept: at most {MOST_ARTIFACTS} of a step are"
        if self._bytes + size > settings.OPSAAS_ARTIFACTS_LIMIT_BYTES:
            most = f"{settings.OPSAAS_ARTIFACTS_LIMIT_BYTES:,}"
            return f"is not kept: it has {size:,} bytes, and those of a step may have {most} together"
        if self._masker.whole(printable(name)) != printable(name):
            return "is not kept: its name holds a secret of this run"
        try:
            self._store(place=place, name=name, size=size, pieces=_without_secrets(pieces, self._masker))
        except HoldsSecret:
            return "is not kept: it holds a secret of this run"
        self._count, self._bytes = self._count + 1, self._bytes + size
        return ""

    def _store(self, *, place: Storage, name: str, size: int, pieces: Iterable[bytes]) -> None:
        """A row only for what is wholly there; an object without a row is removed as an orphan."""
        artifact = Artifact(
            id=new_id(), run_id=self._key.run_id, step_run_id=self._key.step_run_id, name=printable(name), size=size
        )
        artifact.key = f"{PREFIX}/{self._clock():%Y/%m/%d}/{self._key.run_id}/{artifact.pk}"
        digest = hashlib.sha256()
        place.put(artifact.key, _passed(pieces, digest.update))
        artifact.sha256 = digest.hexdigest()
        try:
            insist(partial(self._insert, artifact), seconds=settings.OPSAAS_LEASE_SECONDS / 4)
        finally:
            self._release()

    @transaction.atomic
    def _insert(self, artifact: Artifact) -> None:
        mine = StepRun.objects.filter(pk=self._key.step_run_id, fence=self._key.fence, status=StepStatus.RUNNING)
        if not mine.select_for_update().exists():
            raise FenceLost("the lease of this step run was lost: its artifacts are no longer taken")
        if not Artifact.objects.filter(pk=artifact.pk).exists():  # the answer to an earlier commit may have been lost
            artifact.save(force_insert=True)


def content_of(artifact: Artifact) -> Iterator[bytes]:
    """In pieces; what is not what was put there ends in an error instead of a last piece. Raises NotStored."""
    place = storage()
    if place is None:
        raise NotStored("OPSAAS_OUTPUT_DIR is not set: artifacts can't be read")
    digest, last = hashlib.sha256(), b""
    for start in range(0, artifact.size, PIECE_BYTES):
        piece = place.open_range(artifact.key, start, min(PIECE_BYTES, artifact.size - start))
        digest.update(piece)
        yield last
        last = piece
    if digest.hexdigest() != artifact.sha256:
        raise ContentChanged(f"the artifact {artifact.pk} is not what the script left: its hash differs")
    yield last


def forget_content(*, run_id: UUID) -> None:
    """After the commit that says so. The rows stay: name, size and hash are facts about the run."""
    place = storage()
    if place is None:
        return
    for key in Artifact.objects.filter(run_id=run_id).values_list("key", flat=True):
        try:
            place.delete(key)
        except NotStored as error:
            log.warning("a removed artifact is still in the storage for now: %s", error)


def is_wanted(key: str) -> bool:
    """Whether an object of the storage is the content of an artifact that is still kept."""
    return Artifact.objects.filter(key=key, run__output_removed_at=None).exists()


def _without_secrets(pieces: Iterable[bytes], masker: Masker) -> Iterator[bytes]:
    """Raises HoldsSecret in place of a last piece."""
    if not masker:
        yield from pieces
        return
    looking = masker.beside()
    for piece in pieces:
        looking.feed(piece)
        if looking.found:
            raise HoldsSecret
        yield piece
    looking.finish()
    if looking.found:
        raise HoldsSecret


def _passed(pieces: Iterable[bytes], look: Callable[[bytes], None]) -> Iterator[bytes]:
    for piece in pieces:
        look(piece)
        yield piece
