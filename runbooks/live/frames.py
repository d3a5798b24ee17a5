"""The form of sealed output. A frame is about 1 MiB of a run's log, in two parts that Zstandard's own tools can read: a
skippable part that lists the pieces, and their bytes. `zstdcat` of a whole object prints the log.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import zstandard

SKIPPABLE = (0x184D2A53).to_bytes(4, "little")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LARGEST_LIST = 64 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Up to 64 KiB of one step run's output, as it was stored at first; see OutputChunk."""

    seq: int
    step_run_id: UUID
    offset: int
    step_offset: int
    first_line: int
    time: datetime
    data: bytes


def pack(pieces: Sequence[Piece]) -> bytes:
    steps = {key: number for number, key in enumerate(dict.fromkeys(piece.step_run_id for piece in pieces))}
    rows = [
        [p.seq, steps[p.step_run_id], len(p.data), _micros(p.time), p.step_offset, p.first_line, p.offset]
        for p in pieces
    ]
    listing = json.dumps({"steps": [key.hex for key in steps], "pieces": rows}, separators=(",", ":")).encode()
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True, write_content_size=True)
    head = compressor.compress(listing)
    return SKIPPABLE + len(head).to_bytes(4, "little") + head + compressor.compress(b"".join(p.data for p in pieces))


def unpack(frame: bytes) -> list[Piece]:
    """Raises ValueError for what `pack` did not make."""
    size = int.from_bytes(frame[4:8], "little")
    if frame[:4] != SKIPPABLE:
        raise ValueError("not a frame")
    try:
        unpacker = zstandard.ZstdDecompressor()
        listing = json.loads(unpacker.decompress(frame[8 : 8 + size], max_output_size=LARGEST_LIST))
        data = memoryview(unpacker.decompress(frame[8 + size :]))
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    steps = [UUID(hex=key) for key in listing["steps"]]
    pieces, at = [], 0
    for seq, step, length, micros, step_offset, first_line, offset in listing["pieces"]:
        time = EPOCH + timedelta(microseconds=micros)
        piece = bytes(data[at : at + length])
        pieces.append(Piece(seq, steps[step], offset, step_offset, first_line, time, piece))
        at += length
    return pieces


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
