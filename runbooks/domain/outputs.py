"""The file in which a script hands values on: `name=value` lines and `name<<EOF … EOF` blocks.

What parses is kept; what does not is told in a sentence, never lost in silence. The sentence names the line and quotes
nothing of it: everybody who sees the run reads it, and the beginning of a secret is not masked as the whole of it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LARGEST_FILE_BYTES = 1024 * 1024
MOST_COMPLAINTS = 5
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass
class Outputs:
    values: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)  # for people, in the order of the file

    def complain(self, sentence: str) -> None:
        if len(self.complaints) < MOST_COMPLAINTS:
            self.complaints.append(sentence)
        elif len(self.complaints) == MOST_COMPLAINTS:
            self.complaints.append("More lines of the output file are broken.")

    def put(self, name: str, value: str, number: int) -> None:
        if not _NAME.fullmatch(name):
            self.complain(
                f"Line {number} of the output file does not begin with an output name"
                " (a small letter, then small letters, digits and underscores)."
            )
        elif "\0" in value:
            self.complain(f"Line {number} of the output file: its value holds a NUL character.")
        else:
            self.values[name] = value


def parse(data: bytes) -> Outputs:
    """Reads the content of an output file. A repeated name takes its last value; broken UTF-8 becomes U+FFFD."""
    outputs = Outputs()
    if len(data) > LARGEST_FILE_BYTES:
        outputs.complain("The output file is larger than 1 MiB: only whole lines of its first 1 MiB were read.")
        data = data[: data.rfind(b"\n", 0, LARGEST_FILE_BYTES) + 1]
    lines = enumerate(data.decode(errors="replace").split("\n"), start=1)
    for number, line in lines:
        _take(number, line, lines, outputs)
    return outputs


def _take(number: int, line: str, lines: Iterator[tuple[int, str]], outputs: Outputs) -> None:
    equals, arrows = line.find("="), line.find("<<")
    if arrows >= 0 and (equals < 0 or arrows < equals):
        _take_block(number, line[:arrows], line[arrows + 2 :], lines, outputs)
    elif equals >= 0:
        outputs.put(line[:equals], line[equals + 1 :], number)
    elif line.strip():
        outputs.complain(f"Line {number} of the output file is neither name=value nor name<<EOF.")


def _take_block(number: int, name: str, end: str, lines: Iterator[tuple[int, str]], outputs: Outputs) -> None:
    content: list[str] = []
    for _, line in lines:
        if line == end:
            outputs.put(name, "\n".join(content), number)
            return
        content.append(line)
    outputs.complain(f"Line {number} of the output file: the block that begins there has no closing line.")
