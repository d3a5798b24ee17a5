"""A file's content comes with the values and is left out of them: what is frozen names it by its hash."""

import base64
import hashlib
from typing import Any

import pytest

from runbooks.domain.parameters import Parameter, ParameterType, clean_values, uploads_in
from runbooks.domain.problems import Invalid

FILE = (Parameter("list", ParameterType.FILE, min=1, max=1000),)
DATA = bytes(range(256))
CONTENT = base64.b64encode(DATA).decode()
REFERENCE = {"name": "a.bin", "size": 256, "sha256": hashlib.sha256(DATA).hexdigest()}


def test_a_file_is_named_by_its_hash_and_comes_out_as_it_was() -> None:
    given = {"list": {"name": "a.bin", "content": CONTENT}}
    assert clean_values(FILE, given) == {"list": REFERENCE}
    assert uploads_in(FILE, given)["list"].data == DATA


def test_a_reference_stays_what_it_is_and_brings_nothing() -> None:
    assert clean_values(FILE, {"list": REFERENCE}) == {"list": REFERENCE}
    assert uploads_in(FILE, {"list": REFERENCE}) == {}


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ("a.bin", ""),
        (None, ""),
        ({}, ""),
        ({"name": "a.bin"}, ""),
        ({"name": "a.bin", "content": CONTENT, "mode": "755"}, ""),
        ({"name": "a.bin", "content": "not base64!"}, "/content"),
        ({"name": "a.bin", "content": "é"}, "/content"),
        ({"name": "a.bin", "content": 5}, "/content"),
        ({"name": "a.bin", "content": ""}, ""),
        ({"name": "a.bin", "content": base64.b64encode(b"x" * 1001).decode()}, ""),
        *(
            ({"name": name, "content": CONTENT}, "/name")
            for name in ("", "..", "a/b", "a\nb", "a\0", "\ud800", 5, "x" * 256)
        ),
        ({**REFERENCE, "size": True}, ""),
        ({**REFERENCE, "size": -1}, ""),
        ({**REFERENCE, "sha256": "ABC"}, ""),
        ({**REFERENCE, "sha256": None}, ""),
    ],
)
def test_what_is_no_file_is_refused_at_its_place(value: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as caught:
        clean_values(FILE, {"list": value})
    assert {problem.pointer for problem in caught.value.problems} == {f"/parameters/list{pointer}"}


def test_files_count_among_all_values() -> None:
    two = (Parameter("a", ParameterType.FILE), Parameter("b", ParameterType.FILE))
    half = {"name": "x", "content": base64.b64encode(b"x" * 600_000).decode()}
    with pytest.raises(Invalid) as caught:
        clean_values(two, {"a": half, "b": half})
    assert [problem.pointer for problem in caught.value.problems] == ["/parameters"]
