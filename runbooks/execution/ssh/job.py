"""What is sent to a node: the wrapper, then the job, all of it as data over standard input.

The command line is the same for every run; `wrapper.sh` says what it does with what follows.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from runbooks.domain.environment import parameter_document
from runbooks.domain.ports import Containment, Work
from runbooks.execution.environment import environment, given_files, paths
from runbooks.execution.folder import Layout
from runbooks.execution.launch import (
    NOT_EXECUTABLE,
    CannotStart,
    first_line,
    program_of_env,
    with_script,
)

PLACES = ("/tmp", "/var/tmp", "/dev/shm", ".")  # noqa: S108 (the folder's name can't be guessed); "." is the home
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # where the wrapper finds its own tools
FIRST_MARK = 1 << 51  # in KiB more than any machine has, so that as a limit it binds nobody
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _without_comments(text: str) -> str:
    return "".join(line.lstrip() for line in text.splitlines(keepends=True) if line.strip() and line.lstrip()[0] != "#")


def _wrapper() -> bytes:
    return _without_comments((Path(__file__).parent / "wrapper.sh").read_text()).encode("ascii")


WRAPPER = _wrapper()

# Reads exactly the wrapper, nothing of what comes after it, and becomes it. Every login shell takes this line as it is.
COMMAND = (
    f"exec env -i PATH={SYSTEM_PATH} sh -c '"
    'w=; n=$1; while [ "$n" -gt 0 ]; do p=$(dd bs="$n" count=1 2>/dev/null; echo x); p=${p%x}; [ "$p" ] || exit 125; '
    f'w=$w$p; n=$((n - ${{#p}})); done; eval "$w"\' opsaas {len(WRAPPER)}'
)


def opening(*, token: str, folder_name: str, places: Sequence[str]) -> bytes:
    """What comes first; the node answers with the folder that it made and its clock."""
    return WRAPPER + "".join(f"{line}\n" for line in (token, folder_name, *places, "")).encode()


class Job:
    """One piece of work, in the form that goes over the line once the folder is known. Raises CannotStart."""

    def __init__(self, *, work: Work, search_path: str) -> None:
        if work.script_name in {"", ".", ".."} or "/" in work.script_name or "\n" in work.script_name:
            raise CannotStart(f"{work.script_name!r} can't be the name of a file.", exit_code=NOT_EXECUTABLE)
        for name in (*work.secrets, *work.secret_files):
            if not _VARIABLE.fullmatch(name):
                raise CannotStart(f"{name!r} can't be the name of a variable.", exit_code=NOT_EXECUTABLE)
        self._work = work
        self._search_path = search_path
        self._interpreter, self._needed = _interpreter(work)
        self.program = self._needed[0]

    def pack(self, *, root: str, deadline: int) -> bytes:
        """`deadline` is by the node's own clock, in hundredths of a second. Without the last line nothing is run."""
        layout = Layout(root=root, script_name=self._work.script_name)
        arguments = with_script(self._interpreter, layout.script)
        parts = [
            *self._files(layout),
            _line(f"search {self._search_path}"),
            *[_line(f"need {program}") for program in self._needed],
            _line(f"mark {FIRST_MARK + secrets.randbelow(FIRST_MARK)}"),
            *[_line(f"limit {words}") for words in _limits(self._work.containment)],
            _line(f"run {deadline}"),
            *[_line(name) + _counted(value) for name, value in self._environment(layout).items()],
            _line(""),
            _line(str(len(arguments))),
            *[_counted(argument) for argument in arguments],
            _line("end"),
        ]
        return b"".join(parts)

    def _files(self, layout: Layout) -> Iterator[bytes]:
        work = self._work
        yield _file(layout.script, work.script)
        yield _line(f"mode 700 {layout.script}")
        yield _file(layout.parameters, parameter_document(work.parameters, paths=paths(work=work, layout=layout)))
        for folder, (name, data) in given_files(work).items():
            yield _line(f"folder {layout.files}/{folder}")
            yield _file(layout.file(folder, name), data)

    def _environment(self, layout: Layout) -> Mapping[str, str]:
        """What the shell that passes it on heeds itself comes last."""
        every = environment(work=self._work, layout=layout, search_path=self._search_path)
        last = {name: every.pop(name) for name in ("PATH", "LANG")}
        return {**every, **last}


def _interpreter(work: Work) -> tuple[tuple[str, ...], list[str]]:
    """The argv without the script, and the programs that have to be there.

    A #! line is taken apart here, as the kernel would do it, so that scripts run from a folder mounted noexec too.
    """
    if work.interpreter is not None:
        return work.interpreter, [work.interpreter[0]]
    words = first_line(work.script)
    behind = program_of_env(words[1:]) if words[0].endswith("/env") else None
    line = work.script.partition("\n")[0][2:].strip(" \t")
    argv = re.split(r"[ \t]+", line, maxsplit=1)  # all that follows the program is one argument
    return (*argv, "{script}"), [words[0], behind] if behind is not None else [words[0]]


def _limits(containment: Containment) -> Iterator[str]:
    """Name, most, the unit in which a shell counts it, and the letters by which shells call it, one of them each."""
    units = {
        "cpu_seconds": (1, "t"),
        "memory_bytes": (1024, "d"),
        "processes": (1, "u p"),
        "open_files": (1, "n"),
        "file_bytes": (512, "f"),
    }
    for name, (unit, letters) in units.items():
        most = getattr(containment, name)
        if most is not None:
            yield f"{name} {most} {unit} {letters}"


def _file(path: str, content: str | bytes) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return _line(f"file {len(data)} {path}") + data


def _line(text: str) -> bytes:
    if "\n" in text or "\0" in text:
        raise CannotStart(f"{text!r} can't be sent: it is more than a line.", exit_code=NOT_EXECUTABLE)
    return text.encode() + b"\n"


def _counted(value: str) -> bytes:
    if "\0" in value:
        raise CannotStart("A value that holds a NUL character can't be passed on.", exit_code=NOT_EXECUTABLE)
    return b"%d\n%b\n" % (value.count("\n") + 1, value.encode())
