"""What a node says: lines of its wrapper on the error stream, the script's bytes on the other.

| the wrapper says                | which means                                                                       |
|---------------------------------|-----------------------------------------------------------------------------------|
| `hello CLOCK FOLDER`            | the folder is made; the clock counts hundredths of a second                       |
| `no_folder`                     | none of the places can be written to                                              |
| `tighter LIMIT VALUE`           | the node itself holds its scripts to less than is asked for                       |
| `running`                       | the script has all its values and is about to run                                 |
| `renewed DEADLINE`              | it heard that                                                                     |
| `not_started WHY WHAT`          | nothing was run                                                                   |
| `ended WHY CODE LEFT`           | nothing of the script is left, but for LEFT                                       |
| `file NAME SIZE`                | so many bytes of a file that the script left follow                               |
| `odd NAME`                      | such a file is there, but it is no plain file                                     |
| `artifact SIZE`, `no_artifact`  | a file of that name was left, or something else; asks for `give`, `skip`, `enough` |
| `given`                         | after so many bytes of the artifact                                               |
| `removed`, `not_removed TEXT`   | the folder; nothing is said after it                                              |

Each line begins with a token of 128 random bits that only worker and wrapper know, so neither a script nor a login
shell's start-up file can forge one.
"""

import re
from dataclasses import dataclass, field

from runbooks.domain.problems import printable

FILES = {"output", "summary", "name"}  # that a node may send by themselves
LONGEST_LINE = 4096  # characters that are heeded
MOST_NOISE = 4 * 1024 * 1024  # what start-up files of a login shell may print before the wrapper begins
LARGEST_FILE = 2 * 1024 * 1024


_NUMBER = re.compile(r"[0-9]{1,15}")


class Nonsense(OSError):
    """What the node says can't be a wrapper's words: nothing more is asked of it."""


def number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Nonsense
    return int(text)


@dataclass
class Speech:
    """The error stream, taken apart."""

    token: bytes
    files: dict[str, bytes] = field(default_factory=dict)
    _unread: bytearray = field(default_factory=bytearray)
    _file: str = ""
    _missing: int = 0

    def hear(self, data: bytes) -> list[str]:
        """The lines of the wrapper that are whole now, without the token."""
        self._unread += data
        lines = []
        while self._take_file() and b"\n" in self._unread:
            line, _, rest = self._unread.partition(b"\n")
            self._unread = rest
            if line.startswith(self.token + b" "):
                text = printable(line[len(self.token) + 1 :][:LONGEST_LINE].decode(errors="replace"))
                if not self._begins_file(text):
                    lines.append(text)
        if not self._missing and len(self._unread) > MOST_NOISE:
            self._unread.clear()
        return lines

    def feed(self, data: bytes) -> None:
        """What comes while nobody reads lines: bytes of an artifact."""
        self._unread += data

    def take(self, most: int) -> bytes:
        """Bytes as they are."""
        part = bytes(self._unread[:most])
        del self._unread[: len(part)]
        return part

    def _take_file(self) -> bool:
        """False while a part of a file is still to come."""
        if self._missing:
            part = self._unread[: self._missing]
            if self._file in FILES:
                self.files[self._file] += bytes(part)
            del self._unread[: len(part)]
            self._missing -= len(part)
        return not self._missing

    def _begins_file(self, text: str) -> bool:
        word, _, rest = text.partition(" ")
        name, _, size = rest.partition(" ")
        if word != "file" or not size.isdigit():
            return False
        self._file, self._missing = name, min(int(size[:10]), LARGEST_FILE)
        if name in FILES:
            self.files[name] = b""
        return True


@dataclass
class Output:
    """The script's bytes, without what a login shell printed before."""

    token: bytes
    _noise: bytearray | None = field(default_factory=bytearray)

    def without_noise(self, data: bytes) -> bytes:
        if self._noise is None:
            return data
        self._noise += data
        before, mark, after = self._noise.partition(self.token + b"\n")
        if mark:
            self._noise = None
            return bytes(after)
        del self._noise[: max(len(before) - MOST_NOISE, 0)]
        return b""
