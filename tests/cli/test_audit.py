"""`opsaas audit export` and `verify`: the log leaves the server, and is verified without it."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runbooks.domain.manifest import canonical
from runbooks.domain.merkle import folded, leaf_hash, root
from runbooks.domain.signed_notes import checkpoint_body, new_signing_key, read_signing_key, signed
from tests.cli.conftest import Opsaas
from tests.cli.server import Server

KEY = read_signing_key(new_signing_key("log.example.org/audit"))
AT = datetime(2026, 11, 21, 4, tzinfo=UTC)


@pytest.fixture
def lines() -> list[bytes]:
    """The export of a log of three events under one checkpoint."""
    bodies = [canonical({"action": f"test.{number}", "time": "2026-11-21T04:00:00.000000Z"}) for number in range(3)]
    leaves = [leaf_hash(body) for body in bodies]
    top = root(3, lambda bits, index: folded(leaves[index << bits : (index + 1) << bits]))
    note = signed(checkpoint_body(origin=KEY.name, size=3, root=top), keys=[KEY], at=AT)
    records = [
        {"log": "opsaas", "format": 1},
        {"key": str(KEY.public())},
        {"checkpoint": note, "size": 3, "root": base64.b64encode(top).decode()},
        *(
            {"seq": seq, "id": str(seq), "leaf": base64.b64encode(leaf).decode(), "body": body.decode()}
            for seq, (leaf, body) in enumerate(zip(leaves, bodies, strict=True))
        ),
        {"end": {"events": 3}},
    ]
    return [json.dumps(record).encode() + b"\n" for record in records]


def test_the_log_is_taken_along_and_verified_away_from_the_server(
    opsaas: Opsaas, signed_in: Server, lines: list[bytes], tmp_path: Path
) -> None:
    signed_in.export = b"".join(lines)
    path = tmp_path / "audit.jsonl"
    assert opsaas("audit", "export", str(path)).code == 0
    assert path.read_bytes() == signed_in.export
    assert opsaas("audit", "export", str(path)).code == 1, "it is not written over"
    asked = len(signed_in.seen)
    done = opsaas("audit", "verify", str(path), "--key", str(KEY.public()))
    assert (done.code, done.text.splitlines()[-1]) == (0, "The log is whole.")
    assert len(signed_in.seen) == asked


def test_without_a_file_the_servers_log_is_verified(opsaas: Opsaas, signed_in: Server, lines: list[bytes]) -> None:
    signed_in.export = b"".join(lines)
    assert json.loads(opsaas("audit", "verify", "--json").out)["whole"] is True
    signed_in.export = b"".join(lines).replace(b"test.1", b"test.9")
    done = opsaas("audit", "verify", "--json")
    assert done.code == 1
    assert json.loads(done.out)["findings"][0]["seq"] == 1
    assert "WRONG  Event #1 was changed" in opsaas("audit", "verify").text


@pytest.mark.parametrize("words", [["/no/such/file"], ["--key", "none"], ["--checkpoint", "/no/such/file"]])
def test_what_can_not_be_read_is_told_in_a_sentence(opsaas: Opsaas, signed_in: Server, words: list[str]) -> None:
    done = opsaas("audit", "verify", *words)
    assert done.code == 1
    assert done.err.startswith("This can't be verified: ")
