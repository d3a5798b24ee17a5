"""Definitions in files: found, read, their scripts put in, and taken out again."""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbooks.cli.failures import Failure
from runbooks.cli.values import read_text
from runbooks.cli.yaml_core import MAX_BYTES, read_yaml

_KIND = re.compile(r"""^["']?kind["']?:\s*["']?Runbook\b""", re.MULTILINE)
_SCRIPT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Local:
    """One file's definition, as it is sent."""

    path: Path
    runbook: str
    data: dict[str, Any]


def read_definitions(places: Iterable[Path]) -> list[Local]:
    """All of them or a Failure that names everything wrong: nothing is sent before all can be."""
    found, wrong = [], []
    for path in _files(places):
        try:
            found.append(_read(path))
        except Failure as failure:
            wrong.append(str(failure))
    wrong += _twice(found)
    if wrong:
        raise Failure("\n".join(wrong))
    if not found:
        raise Failure("No definition was found there: YAML files with `kind: Runbook`.")
    return found


def find_definition(runbook: str, *, beside: Path, places: Iterable[Path]) -> Local | None:
    """The definition of RUNBOOK in PLACES, or else in the folder of the file BESIDE. What can't be read there is passed
    over: it is none of ours."""
    for path in [*_files(places), *_files(sorted(beside.parent.glob("*.y*ml")))]:
        with contextlib.suppress(Failure):
            if (local := _read(path)).runbook == runbook:
                return local
    return None


def canonical(data: object) -> str:
    """Equal for what means the same: order of fields and 1.0 against 1 make no difference."""
    return json.dumps(_plain_numbers(data), sort_keys=True)


def take_scripts_out(data: dict[str, Any], *, folder: str) -> tuple[dict[str, Any], dict[str, str]]:
    """DATA with its named scripts as files under FOLDER, and the texts of those files.

    Names come from a server: one that is no plain file name, or stands for two texts, stays inside.
    """
    files: dict[str, str] = {}
    data = json.loads(json.dumps(data))
    for step in _steps(data):
        script = step.get("script")
        if not isinstance(script, dict) or set(script) != {"name", "text"}:
            continue
        name, text = str(script["name"]), str(script["text"])
        place = f"{folder}/{name}"
        if _SCRIPT_NAME.fullmatch(name) and files.setdefault(place, text) == text:
            step["script"] = {"file": f"./{place}"}
    return data, files


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if not place.is_dir():
            yield place
            continue
        for path in sorted(place.rglob("*")):
            if path.suffix in (".yaml", ".yml") and path.is_file() and _KIND.search(_text(path)):
                yield path


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Failure(f"{path} is larger than {MAX_BYTES // 1024} KiB.")
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from error
    return read_text(str(path))


def _read(path: Path) -> Local:
    data = read_yaml(_text(path), name=str(path))
    metadata = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(metadata, dict):
        raise Failure(f"{path}: this is no definition of a runbook: it has no metadata.")
    project, slug = metadata.get("project"), metadata.get("slug")
    if not isinstance(project, str) or not isinstance(slug, str):
        raise Failure(f"{path}: /metadata must hold a project and a slug.")
    for step in _steps(data):
        _put_script_in(step, path)
    return Local(path=path, runbook=f"{project}/{slug}", data=data)


def _put_script_in(step: dict[str, Any], path: Path) -> None:
    script = step.get("script")
    if not isinstance(script, dict) or "file" not in script:
        return
    name = script["file"]
    if set(script) != {"file"} or not isinstance(name, str):
        raise Failure(f"{path}: step {step.get('id')}: write its script as {{file: ./name.sh}}, nothing beside it.")
    file = (path.parent / name).resolve()
    # Definitions may come from others: they must not pick any file of this machine and send it away.
    if not any(file.is_relative_to(root.resolve()) for root in (path.parent, Path.cwd())):
        raise Failure(f"{path}: step {step.get('id')}: {name} lies outside of the definition's and the current folder.")
    step["script"] = {"name": file.name, "text": read_text(str(file))}


def _steps(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Whatever looks like a step; what does not is left to the server's complaint."""
    spec = data.get("spec")
    steps = spec.get("steps") if isinstance(spec, dict) else None
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


def _twice(found: Iterable[Local]) -> Iterator[str]:
    seen: dict[str, Path] = {}
    for local in found:
        if seen.setdefault(local.runbook, local.path) != local.path:
            yield f"{local.path}: {local.runbook} is defined in {seen[local.runbook]} too."


def _plain_numbers(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
