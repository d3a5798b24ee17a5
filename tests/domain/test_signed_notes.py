"""Signed notes, checkpoints and cosignatures as C2SP writes them: what others wrote is read, and vice versa."""

import base64
from datetime import UTC, datetime

import pytest

from runbooks.audit import verifier
from runbooks.domain.signed_notes import (
    COSIGNATURE,
    BadNote,
    checkpoint_body,
    cosign,
    cosigned_at,
    new_signing_key,
    read_public_key,
    read_signatures,
    read_signing_key,
    signed,
)

AT = datetime(2026, 11, 21, 4, tzinfo=UTC)
# From the documentation of Go's golang.org/x/mod/sumdb/note.
GO_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def test_the_example_of_gos_note_package_comes_out_the_same() -> None:
    key = read_signing_key(GO_PRIVATE)
    assert str(key.public()) == str(read_public_key(GO_PUBLIC)) == GO_PUBLIC
    assert key.written() == GO_PRIVATE
    assert signed(GO_TEXT, keys=[key], at=AT).startswith(f"{GO_TEXT}\n{GO_LINE}\n")


def test_a_checkpoint_is_origin_size_and_root_signed_and_dated() -> None:
    key = read_signing_key(new_signing_key("log.example.org/audit"))
    body = checkpoint_body(origin=key.name, size=7, root=b"r" * 32)
    note = signed(body, keys=[key], at=AT)
    lines = note.split("\n")
    assert lines[:4] == ["log.example.org/audit", "7", base64.b64encode(b"r" * 32).decode(), ""]
    assert len(lines) == 7
    assert lines[-1] == ""
    _, dated = read_signatures("\n".join(lines[4:6]))
    assert cosigned_at(body, signature=dated, witnesses=[key.public(COSIGNATURE)]) == (key.public(COSIGNATURE), AT)
    assert verifier.read_checkpoint(note).size == 7


def test_a_cosignature_counts_only_from_a_known_witness_for_that_very_checkpoint() -> None:
    key, other = (read_signing_key(new_signing_key("witness.example.org/w1")) for _ in range(2))
    body = checkpoint_body(origin="log.example.org/audit", size=7, root=b"r" * 32)
    (one,) = read_signatures(f"{cosign(body, key=key, at=AT)}\n")
    assert cosigned_at(body, signature=one, witnesses=[other.public(COSIGNATURE), key.public(COSIGNATURE)])
    assert cosigned_at(body, signature=one, witnesses=[other.public(COSIGNATURE), key.public()]) is None
    assert cosigned_at(body.replace("7", "8"), signature=one, witnesses=[key.public(COSIGNATURE)]) is None


@pytest.mark.parametrize(
    "text",
    ["", "a+b", "name+c74f20a3+!!", GO_PUBLIC.replace("c74f", "c74e"), GO_PUBLIC[:-4], "na me+00000000+AAAA", "+0+0+0"],
)
def test_a_damaged_key_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        read_public_key(text)
    with pytest.raises(BadNote):
        read_signing_key(f"PRIVATE+KEY+{text}")


@pytest.mark.parametrize("line", ["no dash", "— name", "— name !!", "- name AAAAAAAA", "— name AAAA"])
def test_a_line_that_is_no_signature_is_refused(line: str) -> None:
    with pytest.raises(BadNote):
        read_signatures(line)


def test_a_private_key_is_in_no_message() -> None:
    with pytest.raises(BadNote) as caught:
        read_signing_key(GO_PRIVATE.replace("c74f", "c74e"))
    assert "AYEKFAL" not in str(caught.value)
    assert "AYEKFAL" not in repr(read_signing_key(GO_PRIVATE))
