"""What a script left for us in its folder."""

from dataclasses import dataclass, field

from runbooks.domain import outputs
from runbooks.execution.folder import Layout, read_left_file

LARGEST_SUMMARY_BYTES = 1024 * 1024


@dataclass
class Left:
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    complaints: list[str] = field(default_factory=list)  # for people


def read_left(layout: Layout) -> Left:
    left = Left()
    try:
        _read_outputs(layout, left)
    except OSError as error:
        left.complaints.append(f"The output file could not be read: {error.strerror}.")
    try:
        _read_summary(layout, left)
    except OSError as error:
        left.complaints.append(f"The summary file could not be read: {error.strerror}.")
    return left


def _read_outputs(layout: Layout, left: Left) -> None:
    parsed = outputs.parse(read_left_file(layout, layout.output, limit=outputs.LARGEST_FILE_BYTES))
    left.outputs = parsed.values
    left.complaints += parsed.complaints


def _read_summary(layout: Layout, left: Left) -> None:
    take_summary(read_left_file(layout, layout.summary, limit=LARGEST_SUMMARY_BYTES), left)


def take_summary(data: bytes, left: Left) -> None:
    """Of what is too long only whole lines: the beginning of a secret is not masked as the whole of it is."""
    if len(data) > LARGEST_SUMMARY_BYTES:
        data = data[: data.rfind(b"\n", 0, LARGEST_SUMMARY_BYTES) + 1]
        left.complaints.append("The summary file is larger than 1 MiB: only whole lines of its first 1 MiB were read.")
    left.summary = data.decode(errors="replace").replace("\0", "\ufffd")
