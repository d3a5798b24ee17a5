"""Which program a script is started with, and, when it can't be, a sentence that tells why."""

import errno
import os

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as shells count
_PLACEHOLDER = "{script}"


class CannotStart(Exception):
    """The interpreter of the script could not be executed."""

    def __init__(self, sentence: str, *, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def command(*, interpreter: tuple[str, ...] | None, script: str, path: str, search_path: str) -> tuple[str, list[str]]:
    """The file to execute and its argv. Raises CannotStart when that is known to fail."""
    if interpreter is None:
        check_first_line(script, search_path=search_path)
        return path, [path]
    arguments = with_script(interpreter, path)
    return find(arguments[0], search_path=search_path), arguments


def with_script(interpreter: tuple[str, ...], path: str) -> list[str]:
    """The argv: the path in place of each `{script}`, or else as the last argument."""
    if any(_PLACEHOLDER in part for part in interpreter):
        return [part.replace(_PLACEHOLDER, path) for part in interpreter]
    return [*interpreter, path]


def find(program: str, *, search_path: str) -> str:
    """The executable file that a name stands for."""
    if "/" in program:
        candidates = [program]
        where = "does not exist on this machine"
    else:
        candidates = [os.path.join(folder, program) for folder in search_path.split(":") if folder]
        where = f"was not found on this machine (looked in {search_path})"
    files = [candidate for candidate in candidates if os.path.isfile(candidate)]
    for file in files:
        if os.access(file, os.X_OK):
            return file
    if files:
        raise CannotStart(f'The interpreter "{files[0]}" is not executable.', exit_code=NOT_EXECUTABLE)
    raise CannotStart(f'The interpreter "{program}" {where}.', exit_code=NOT_FOUND)


def check_first_line(script: str, *, search_path: str) -> None:
    """Finds what the kernel would only call "No such file or directory"."""
    words = first_line(script)
    find(os.path.join("/", words[0]) if words[0].startswith("/") else "./" + words[0], search_path=search_path)
    if words[0].endswith("/env"):
        _check_env(words[1:], search_path)


def first_line(script: str) -> list[str]:
    """The words of the script's #! line; at least one."""
    first, _, _ = script.partition("\n")
    if not first.startswith("#!"):
        sentence = "The step names no interpreter and the script does not begin with a #! line."
        raise CannotStart(sentence, exit_code=NOT_EXECUTABLE)
    if first.endswith("\r"):
        raise CannotStart(
            f"The #! line ends in a carriage return ({first!r}): save the script with Unix line endings.",
            exit_code=NOT_FOUND,
        )
    words = first[2:].split()
    if not words:
        raise CannotStart("The #! line names no interpreter.", exit_code=NOT_EXECUTABLE)
    return words


def explain(number: int, text: str, program: str) -> CannotStart:
    """What execve() or the making of the folder said."""
    sentences = {
        errno.ENOENT: f'"{program}" is there, but the loader or interpreter that it needs itself is not.',
        errno.EACCES: f'"{program}" may not be executed here (its mode, or a file system mounted noexec): {text}.',
        errno.ENOEXEC: f'"{program}" is not a program that this machine can execute.',
        errno.E2BIG: "The parameter values are too large to be passed in the environment.",
        errno.ENOSPC: f"There is no space left for the working folder: {text}.",
    }
    sentence = sentences.get(number, f'"{program}" could not be started: {text}.')
    return CannotStart(sentence, exit_code=NOT_FOUND if number == errno.ENOENT else NOT_EXECUTABLE)


def program_of_env(words: list[str]) -> str | None:
    """`#!/usr/bin/env NAME`: what env would look for. Forms with options we leave to env."""
    if words[:1] == ["-S"]:
        words = words[1:]
    return words[0] if words and not words[0].startswith("-") and "=" not in words[0] else None


def _check_env(words: list[str], search_path: str) -> None:
    program = program_of_env(words)
    if program is not None:
        find(program, search_path=search_path)
