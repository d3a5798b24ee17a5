#!/usr/bin/env python3
# size: it stands alone, so that an auditor can take this one file along
"""Verifies an export of an opsaas audit log, offline. This file stands alone: Python 3.11 and `cryptography`.

    python verifier.py audit.jsonl --key 'NAME+HASH+BASE64' --checkpoint kept.log

KEY is the log's public key, from a source other than the export: without it a forger could have brought one. CHECKPOINT
is a file with checkpoints that were kept elsewhere: without one, a log that was cut off at its end, or replaced as a
whole, looks like a shorter one. What is wrong is named, the first place first. Exit status: 0 the log is whole, 1 it is
not, 2 the file is no export.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MOST_FINDINGS = 1000
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
LAST = "~"  # sorts after every time
SUBTREE_BITS = 8
COLUMNS = {
    "actor_type": ("actor", "type"),
    "actor_id": ("actor", "id"),
    "actor_name": ("actor", "name"),
    "action": ("action",),
    "object_type": ("object", "type"),
    "object_id": ("object", "id"),
    "object_name": ("object", "name"),
    "outcome": ("outcome",),
    "project_id": ("place", "project"),
    "runbook_id": ("place", "runbook"),
    "time": ("time",),
}


class NotAnExport(Exception):
    """The file can't be read as an export, a key or a checkpoint; the message says where."""


@dataclass(frozen=True, order=True)
class Finding:
    seq: int  # the first event that it is about
    what: str


@dataclass(frozen=True)
class Drop:
    """An event that tells which bodies retention dropped. It may be forged: the verifier weighs it."""

    seq: int
    time: str
    before: str  # only events older than this are said to be dropped
    who: str
    ranges: list[tuple[int, int]]  # first and last event of each

    def __str__(self) -> str:
        which = ", ".join(f"#{first}" if first == last else f"#{first} to #{last}" for first, last in self.ranges)
        return f"{which}, as older than {self.before}: event #{self.seq} by {self.who!r} at {self.time}"


@dataclass
class Report:
    events: int = 0
    root: bytes = b""
    findings: list[Finding] = field(default_factory=list)
    more: int = 0  # findings beyond those that are listed
    checkpoints: int = 0  # that hold
    signed: int = 0  # so many of the first events are under a checkpoint that holds
    dropped: int = 0  # bodies that retention dropped, as the log itself tells
    drops: list[Drop] = field(default_factory=list)  # where it tells so: those that are believed
    cosigned: set[str] = field(default_factory=set)  # names of witnesses
    keys_are_claimed: bool = False  # nobody named a key: those of the export were believed

    @property
    def whole(self) -> bool:
        return not self.findings

    def found(self, seq: int, what: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(seq, what))
        else:
            self.more += 1


@dataclass(frozen=True)
class Key:
    name: str
    id: bytes
    public: bytes
    text: str


@dataclass
class Checkpoint:
    size: int
    root: bytes
    body: str
    signatures: list[tuple[str, bytes]]
    origin: str
    kept: bool  # brought along from elsewhere
    time: datetime | None = None


def read_key(text: str) -> Key:
    try:
        name, key_id, data = text.strip().split("+", 2)
        raw = base64.b64decode(data, validate=True)
        right = len(raw) == 33 and raw[0] in (1, 4) and _key_id(name, raw[0], raw[1:]).hex() == key_id
    except ValueError:
        right = False
    if not right:
        raise NotAnExport(f"This is no public key: {text.strip()[:120]!r}")
    return Key(name, bytes.fromhex(key_id), raw[1:], text.strip())


def read_checkpoint(note: str, *, kept: bool = False) -> Checkpoint:
    """C2SP's tlog-checkpoint."""
    try:
        body, signatures = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :]
        origin, size, root, *_ = body.split("\n")
        lines = [line.removeprefix("— ").split(" ") for line in signatures.splitlines()]
        found = [(name, base64.b64decode(data, validate=True)) for name, data in lines]
        if size != str(int(size)) or len(base64.b64decode(root, validate=True)) != 32:
            raise ValueError
        return Checkpoint(int(size), base64.b64decode(root), body, found, origin, kept)
    except ValueError:
        raise NotAnExport("This is no checkpoint.") from None


def read_kept(text: str) -> list[Checkpoint]:
    """One signed note, or lines of JSON with a `note` (or `checkpoint`) each, as opsaas writes them. Never none."""
    if not text.lstrip().startswith("{"):
        return [read_checkpoint(text, kept=True)]
    records = [_read(line) for line in text.splitlines() if line.strip()]
    notes = [str(note) for record in records if (note := record.get("note") or record.get("checkpoint"))]
    if not notes:
        raise NotAnExport("There is no checkpoint in the file of kept checkpoints.")
    return [read_checkpoint(note, kept=True) for note in notes]


class Verifier:
    """Takes the records of an export one by one: first `take` for each, then `end`."""

    def __init__(
        self, *, keys: Iterable[Key] = (), kept: Iterable[Checkpoint] = (), tolerance: timedelta = timedelta(hours=1)
    ) -> None:
        self.report = Report()
        self._trusted, self._claimed = list(keys), list[Key]()
        self._named, self._tolerance = bool(self._trusted), tolerance
        self._checkpoints: list[Checkpoint] = list(kept)
        self._waiting: list[Checkpoint] | None = None  # sorted, the next one last; None: no event was seen yet
        self._subtrees: dict[tuple[int, int], bytes] = {}
        self._stack: list[bytes] = []
        self._next, self._broken, self._gap = 0, False, False
        self._told: int | None = None  # so many events its end tells of
        self._floor, self._ceiling = "", LAST
        self._missing: dict[int, str] = {}
        self._drops: list[Drop] = []
        self._timed: list[tuple[int, datetime]] = []  # sizes of checkpoints, and a moment after which they were made

    def take(self, record: Mapping[str, Any]) -> None:
        if self._told is not None:
            self.report.found(self._next, f"The export goes on after its end, with {', '.join(sorted(record))[:100]}.")
        if "seq" in record:
            self._event(record)
        elif "checkpoint" in record:
            self._checkpoint(record)
        elif "key" in record:
            self._claimed.append(read_key(record["key"]))
        elif "subtree" in record:
            self._subtrees[record["subtree"], record["index"]] = base64.b64decode(record["hash"])
        elif "stray" in record:
            self.report.found(self._next, f"The event {record['stray']} has no place in the log: {_gist(record)}.")
        elif "end" in record:
            self._told = int(record["end"]["events"])

    def end(self) -> Report:
        self._finish(self._next if self._told is None else self._told)
        if self._told is None:
            self.report.found(self._next, "The export breaks off: its last line is missing.")
        self.report.findings.sort()
        return self.report

    # --- events -------------------------------------------------------------------------------------------------------

    def _event(self, record: Mapping[str, Any]) -> None:
        if self._waiting is None:
            self._sort_checkpoints()
        seq, leaf, body = record["seq"], base64.b64decode(record["leaf"]), record.get("body")
        if seq != self._next:
            self._jump(seq)
        if body is None:
            self._missing[seq] = record["id"]
        else:
            self._body(seq, leaf, body, record.get("columns"))
        if not self._gap:
            self._grow(leaf)
        self._next += 1
        while self._waiting and self._waiting[-1].size == self._next:
            self._hold_against(self._waiting.pop())

    def _jump(self, seq: int) -> None:
        """The numbers are not gapless: from here on no root can be right."""
        self._gap = self._broken = True
        if seq > self._next:
            self.report.found(self._next, f"{_events(self._next, seq - 1)} missing: they were taken out of the log.")
        else:
            self.report.found(seq, f"Event #{seq} comes after #{self._next - 1}: out of order, or twice.")
        while self._waiting and self._waiting[-1].size <= seq:
            self._waiting.pop()
        self._next = seq

    def _body(self, seq: int, leaf: bytes, body: str, columns: Mapping[str, str] | None) -> None:
        data = body.encode("utf-8", "surrogateescape")
        if hashlib.sha256(b"\x00" + data).digest() != leaf:
            self.report.found(seq, f"Event #{seq} was changed: what it says is not what its leaf was made from.")
            return
        time = body[-29:-2] if body[-37:-29] == '"time":"' else str(_read(body).get("time", ""))
        if not TIME.fullmatch(time):
            self.report.found(seq, f"Event #{seq} is not one that opsaas wrote: it has no time.")
        elif not self._floor <= time <= self._ceiling:
            self.report.found(seq, f"Event #{seq} claims {time}, which does not fit the checkpoints around it.")
        if columns is not None:
            self._columns(seq, _read(body), columns)
        if body.startswith('{"action":"audit.bodies_dropped"'):
            self._drops += _drop(seq, time, _read(body))

    def _columns(self, seq: int, body: Mapping[str, Any], columns: Mapping[str, str]) -> None:
        for name, shown in columns.items():
            said: Any = body
            for part in COLUMNS.get(name, ()):
                said = said.get(part) if isinstance(said, dict) else None
            if said is not None and str(said)[:300] != shown:
                self.report.found(seq, f"Event #{seq} is listed with the {name} {shown!r}, but says {said!r}.")

    # --- the tree -----------------------------------------------------------------------------------------------------

    def _grow(self, leaf: bytes) -> None:
        at, bits, found = self._next, 0, leaf
        while at & 1:
            found = hashlib.sha256(b"\x01" + self._stack.pop() + found).digest()
            at, bits = at >> 1, bits + 1
            if bits % SUBTREE_BITS == 0 and self._subtrees:
                self._compare_subtree(bits // SUBTREE_BITS, at, found)
        self._stack.append(found)

    def _compare_subtree(self, level: int, index: int, found: bytes) -> None:
        stored = self._subtrees.pop((level, index), found)
        if stored != found and not self._broken:
            first = index << (level * SUBTREE_BITS)
            last = ((index + 1) << (level * SUBTREE_BITS)) - 1
            self.report.found(first, f"{_events(first, last)} not those that the stored tree was made from.")

    def _root(self) -> bytes:
        if not self._stack:
            return hashlib.sha256().digest()
        *left, found = self._stack
        for one in reversed(left):
            found = hashlib.sha256(b"\x01" + one + found).digest()
        return found

    # --- checkpoints --------------------------------------------------------------------------------------------------

    def _checkpoint(self, record: Mapping[str, Any]) -> None:
        size = record.get("size", 0)
        try:
            found = read_checkpoint(
                "\n".join([record["checkpoint"].removesuffix("\n"), *record.get("cosignatures", [])])
            )
        except NotAnExport:
            self.report.found(size, f"The checkpoint of the first {size} events can't be read: it was changed.")
            return
        if (found.size, base64.b64encode(found.root).decode()) != (size, record.get("root")):
            self.report.found(size, f"The checkpoint listed for the first {size} events is another: it was changed.")
        self._checkpoints.append(found)

    def _sort_checkpoints(self) -> None:
        self.report.keys_are_claimed = not self._named
        self._trusted = self._trusted or self._claimed
        names = {key.name for key in self._trusted}
        self._checkpoints = [one for one in self._checkpoints if one.kept or one.origin in names]
        own = {(one.origin, one.size, one.root) for one in self._checkpoints if not one.kept}
        for one in [one for one in self._checkpoints if one.kept and (one.origin, one.size, one.root) not in own]:
            self.report.found(one.size, f"The log no longer lists the {_name(one)}.")
        candidates = [one for one in self._checkpoints if not (one.kept and (one.origin, one.size, one.root) in own)]
        good = [one for one in candidates if self._is_signed(one)]
        self._waiting = sorted(good, key=lambda one: -one.size)
        timed = sorted((one for one in good if one.time), key=lambda one: one.size)
        for before, after in pairwise(timed):
            if before.time and after.time and after.size > before.size and after.time < before.time:
                self.report.found(before.size, f"The {_name(after)} is dated before the {_name(before)}.")
        latest = accumulate((one.time for one in timed if one.time), max)
        self._timed = list(zip((one.size for one in timed), latest, strict=True))
        self._bounds()

    def _is_signed(self, one: Checkpoint) -> bool:
        """Sets its time. Its cosignatures by others are counted where their keys were given."""
        signed = False
        for name, data in one.signatures:
            signed = signed or (name == one.origin and any(_signs(key, name, one.body, data) for key in self._trusted))
        if not signed:
            by = ", ".join(sorted({name for name, _ in one.signatures})) or "nobody"
            self.report.found(one.size, f"The {_name(one)} is not signed by a key that is trusted here, but by {by}.")
            return False
        for name, data in one.signatures:
            for key in self._trusted:
                if moment := _cosigned(key, name, one.body, data):
                    if name == one.origin:
                        one.time = moment
                    else:
                        self.report.cosigned.add(name)
        return True

    def _hold_against(self, one: Checkpoint) -> None:
        if not self._broken and one.root != self._root():
            first, self._broken = self.report.signed, True
            self.report.found(
                first, f"{_events(first, one.size - 1)} not those that were signed: see the {_name(one)}."
            )
        elif not self._broken:
            self.report.checkpoints += 1
            self.report.signed = one.size
        self._bounds(one)

    def _bounds(self, passed: Checkpoint | None = None) -> None:
        """What times the next events may have: after the checkpoint before them, before the one after them."""
        if passed and passed.time:
            self._floor = _stamp(passed.time - self._tolerance)
        ahead = next((one.time for one in reversed(self._waiting or []) if one.time), None)
        self._ceiling = _stamp(ahead + self._tolerance) if ahead else LAST

    def _finish(self, total: int) -> None:
        if self._waiting is None:
            self._sort_checkpoints()
        if self._next < total:
            self.report.found(self._next, f"{_events(self._next, total - 1)} missing: they were taken out of the log.")
        elif self._next > total:
            self.report.found(total, f"There are {self._next} events, but the export's end tells of {total}.")
        for one in reversed(self._waiting or []):
            self.report.found(
                self._next,
                f"The log has {self._next} events only, but the {_name(one)} was signed: its end is missing.",
            )
        self._judge_missing()
        if self._named and self._next and not self.report.checkpoints and self.report.whole:
            self.report.found(0, "No checkpoint by the keys that were named is in it: nothing proves this log.")
        self.report.events, self.report.root = self._next, b"" if self._gap else self._root()

    # --- what retention dropped ---------------------------------------------------------------------------------------

    def _judge_missing(self) -> None:
        for drop in self._drops:
            if doubt := self._doubt(drop):
                self.report.found(drop.seq, f"Event #{drop.seq} tells what retention dropped: not believed, {doubt}.")
            else:
                self.report.drops.append(drop)
        dropped = _merged(one for drop in self.report.drops for one in drop.ranges)
        begins = [first for first, _ in dropped]
        for seq, event_id in self._missing.items():
            at = bisect_right(begins, seq) - 1
            if at >= 0 and seq <= dropped[at][1]:
                self.report.dropped += 1
            else:
                self.report.found(seq, f"Event #{seq} ({event_id}) was deleted: only its leaf is left.")

    def _doubt(self, drop: Drop) -> str:
        """Why it may be a lie; empty where nothing speaks against it."""
        before, told = _moment(drop.before), _moment(drop.time)
        last = max((last for _, last in drop.ranges), default=-1)
        if last >= drop.seq:
            return "it names events that come after it"
        if drop.seq >= self.report.signed:
            return "it is under no checkpoint that holds (right after retention: wait for the next checkpoint)"
        if before is None or told is None or before > told + self._tolerance:
            return f"as older than {drop.before!r} makes no sense"
        at = bisect_right(self._timed, last, key=lambda one: one[0]) - 1
        if at >= 0 and self._timed[at][1] > before + self._tolerance:
            return f"event #{last} is younger than {drop.before}: it came after a checkpoint of {self._timed[at][1]}"
        return ""


def verify(
    records: Iterable[Mapping[str, Any]],
    *,
    keys: Iterable[Key] = (),
    kept: Iterable[Checkpoint] = (),
    tolerance: timedelta = timedelta(hours=1),
) -> Report:
    """Raises NotAnExport where a record makes no sense."""
    verifier = Verifier(keys=keys, kept=kept, tolerance=tolerance)
    for number, record in enumerate(records, start=1):
        try:
            verifier.take(record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotAnExport(f"Record {number} makes no sense: {type(error).__name__}: {error}") from None
    return verifier.end()


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", errors="surrogateescape") as file:
        for number, line in enumerate(file, start=1):
            try:
                record = json.loads(line)
            except ValueError:
                raise NotAnExport(f"Line {number} of {path} is no JSON.") from None
            if not isinstance(record, dict):
                raise NotAnExport(f"Line {number} of {path} is no record.")
            yield record


def told(report: Report) -> Iterator[str]:
    """The report, for people."""
    for finding in report.findings:
        yield f"WRONG  {finding.what}"
    if report.more:
        yield f"WRONG  … and {report.more} more."
    yield f"events: {report.events}   root: {base64.b64encode(report.root).decode()}"
    yield f"checkpoints that hold: {report.checkpoints}   events under them: {report.signed}"
    if report.dropped:
        yield f"events whose text retention dropped: {report.dropped}"
    for drop in report.drops:
        yield f"dropped: {drop}"
    if report.cosigned:
        yield f"cosigned by: {', '.join(sorted(report.cosigned))}"
    if report.keys_are_claimed:
        yield "The keys are the export's own. Name the log's key with --key: else a forger may have brought one."
    yield "The log is whole." if report.whole else "The log is NOT whole."


def _is_by(key: Key, name: str, data: bytes, kind: int) -> bool:
    return key.name == name and data[:4] == _key_id(name, kind, key.public)


def _verified(key: Key, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _signs(key: Key, name: str, body: str, data: bytes) -> bool:
    return _is_by(key, name, data, 1) and _verified(key, data[4:], body.encode())


def _cosigned(key: Key, name: str, body: str, data: bytes) -> datetime | None:
    """When; None where it is no cosignature by this key."""
    if len(data) != 76 or not _is_by(key, name, data, 4):
        return None
    moment = int.from_bytes(data[4:12], "big")
    if not _verified(key, data[12:], f"cosignature/v1\ntime {moment}\n{body}".encode()):
        return None
    try:
        return datetime.fromtimestamp(moment, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _key_id(name: str, kind: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _read(body: str) -> dict[str, Any]:
    """What is no event of ours is empty."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _drop(seq: int, time: str, body: Mapping[str, Any]) -> list[Drop]:
    """None where it names no events."""
    details, actor = body.get("details"), body.get("actor")
    told = details if isinstance(details, dict) else {}
    who = actor if isinstance(actor, dict) else {}
    ranges = _ranges(told.get("ranges"))
    return [Drop(seq, time, str(told.get("before")), str(who.get("name"))[:200], ranges)] if ranges else []


def _ranges(found: object) -> list[tuple[int, int]]:
    """First and last event of each range that retention took the bodies of."""
    pairs = [one for one in found if isinstance(one, list) and len(one) == 2] if isinstance(found, list) else []
    numbers = [(first, last) for first, last in pairs if isinstance(first, int) and isinstance(last, int)]
    return [(first, last) for first, last in numbers if 0 <= first <= last]


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted, and none overlaps another."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _events(first: int, last: int) -> str:
    return f"Event #{first} is" if first == last else f"Events #{first} to #{last} are"


def _name(one: Checkpoint) -> str:
    return f"checkpoint of the first {one.size} events{' that was kept elsewhere' if one.kept else ''}"


def _gist(record: Mapping[str, Any]) -> str:
    try:
        body = _read(record["body"])
        return f"{body['action']} by {body['actor']['name']} at {body['time']}"
    except (KeyError, TypeError, ValueError):
        return "it can't be read"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", action="append", default=[], help="A public key that is trusted; may be repeated.")
    parser.add_argument("--checkpoint", action="append", type=Path, default=[], help="Checkpoints kept elsewhere.")
    parser.add_argument("--tolerance", type=float, default=3600, help="Seconds that clocks may differ.")
    given = parser.parse_args(arguments)
    try:
        keys = [read_key(text) for text in given.key]
        kept = [one for path in given.checkpoint for one in read_kept(path.read_text())]
        records = read_records(given.export)
        report = verify(records, keys=keys, kept=kept, tolerance=timedelta(seconds=given.tolerance))
    except (NotAnExport, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join([*told(report), ""]))
    return 0 if report.whole else 1


if __name__ == "__main__":
    sys.exit(main())
