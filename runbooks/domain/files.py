"""Files as values. What is sent holds the content; what a run and its plan hold is name, size and SHA-256."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping

from runbooks.domain.ports import GivenFile, JsonValue
from runbooks.domain.problems import Invalid, Problem

LONGEST_NAME = 255  # bytes
MOST_BYTES = 3 * 1024 * 1024  # of files that are not values, together

_UPLOAD, _REFERENCE = {"name", "content"}, {"name", "size", "sha256"}
_UNFIT = re.compile("[/\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHA256 = re.compile(r"[0-9a-f]{64}")

Value = Mapping[str, JsonValue]


def upload_of(value: JsonValue) -> GivenFile | None:
    """The file that VALUE brings with it; None for anything else, also for a reference to a file that is there."""
    if not isinstance(value, Mapping) or set(value) != _UPLOAD or not isinstance(value["content"], str):
        return None
    try:
        data = base64.b64decode(value["content"], validate=True)
    except (binascii.Error, ValueError):
        return None
    return GivenFile(name=str(value["name"]), data=data)


def uploads_of(value: JsonValue, *, most: int, pointer: str) -> tuple[GivenFile, ...]:
    """The files of a list of at most MOST; one may stand for itself. Raises Invalid."""
    given = value if isinstance(value, list) else [value]
    if len(given) > most:
        raise Invalid([Problem(pointer, "too_long", f"At most {most} files are taken.")])
    problems = [
        problem
        for index, one in enumerate(given)
        for problem in file_problems(one, most=MOST_BYTES, least=1, pointer=_place(pointer, index, value))
    ]
    found = [upload_of(one) for one in given]
    if not problems and None in found:
        problems = [Problem(pointer, "wrong_type", "Send the content of each file, in base64.")]
    if problems:
        raise Invalid(problems)
    return tuple(file for file in found if file)


def _place(pointer: str, index: int, value: JsonValue) -> str:
    return f"{pointer}/{index}" if isinstance(value, list) else pointer


def reference_to(file: GivenFile) -> dict[str, JsonValue]:
    """What stands for a file in the values of a run."""
    return {"name": file.name, "size": len(file.data), "sha256": hashlib.sha256(file.data).hexdigest()}


def is_reference(value: JsonValue) -> bool:
    return isinstance(value, Mapping) and set(value) == _REFERENCE


def size_of(value: JsonValue) -> int:
    """In bytes, of a sound value of either form."""
    if file := upload_of(value):
        return len(file.data)
    size = value.get("size") if isinstance(value, Mapping) else None
    return size if isinstance(size, int) else 0


def file_problems(value: JsonValue, *, most: int, least: int, pointer: str) -> Iterator[Problem]:
    """Whether VALUE is a file, of either form."""
    if not isinstance(value, Mapping) or set(value) not in (_UPLOAD, _REFERENCE):
        detail = "This must be a file: an object of its name and its content, in base64."
        yield Problem(pointer, "wrong_type", detail)
        return
    yield from name_problems(value["name"], pointer=f"{pointer}/name")
    if "content" in value and upload_of(value) is None:
        yield Problem(f"{pointer}/content", "bad_format", "This must be the file's content in base64.")
        return
    if "sha256" in value and not _is_sound_reference(value):
        yield Problem(pointer, "bad_format", "This is no reference to a file: its size or its SHA-256 makes no sense.")
        return
    size = size_of(value)
    if size > most:
        yield Problem(pointer, "too_long", f"This file has {size:,} bytes; at most {most:,} are accepted.")
    if size < least:
        yield Problem(pointer, "too_short", f"This file has {size:,} bytes; at least {least:,} are needed.")


def name_problems(name: JsonValue, *, pointer: str) -> Iterator[Problem]:
    if detail := _name_problem(name):
        yield Problem(pointer, "bad_format", detail)


def _name_problem(name: JsonValue) -> str:
    if not isinstance(name, str):
        return "The name of a file must be text."
    if name in {"", ".", ".."} or _UNFIT.search(name):
        return "This can't be the name of a file: it must be a plain name, without folders and control characters."
    if len(name.encode()) > LONGEST_NAME:
        return f"The name of a file may have at most {LONGEST_NAME} bytes."
    return ""


def _is_sound_reference(value: Value) -> bool:
    size, digest = value["size"], value["sha256"]
    sound = isinstance(size, int) and not isinstance(size, bool) and size >= 0
    return sound and isinstance(digest, str) and _SHA256.fullmatch(digest) is not None
