"""Runs a demo runbook for real, in what the contract gives a script, without the rest of opsaas."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runbooks.demo.load import PROCEDURES, load_definition
from runbooks.domain import outputs
from runbooks.domain.calls import Call
from runbooks.domain.definition import Definition, Step, parse_definition
from runbooks.domain.environment import parameter_variables
from runbooks.domain.parameters import clean_values, uploads_in

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Result:
    exit_code: int
    output: str  # both streams, in order of arrival
    outputs: dict[str, str]
    summary: str
    folder: Path

    @property
    def lines(self) -> list[str]:
        return self.output.splitlines()


def run(slug: str, folder: Path, **values: object) -> list[Result]:
    return run_as(None, slug, folder, values)


def run_as(user: int | None, slug: str, folder: Path, values: Mapping[str, object]) -> list[Result]:
    definition = parse_definition(load_definition(PROCEDURES / f"{slug}.yaml", project="demo"))
    return run_definition(definition, folder, values, user=user)


def run_definition(
    definition: Definition, folder: Path, values: Mapping[str, object], *, user: int | None = None
) -> list[Result]:
    """The results of the steps that ran, up to the first that failed, each in a folder of its own; of a step that is
    another runbook, those of its steps. Questions are answered with yes."""
    given = {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
    paths = {}
    for name, file in uploads_in(definition.parameters, given).items():
        (folder / file.name).write_bytes(file.data)
        paths[name] = str(folder / file.name)
    variables = parameter_variables(clean_values(definition.parameters, given), paths=paths)
    results: list[Result] = []
    handed_on: dict[str, dict[str, str]] = {}
    seen = {"params": clean_values(definition.parameters, given), "steps": {}}
    for step in definition.steps:
        place = folder / step.id
        place.mkdir()
        if isinstance(step.pause, Call):
            inner = parse_definition(load_definition(PROCEDURES / f"{step.pause.slug}.yaml", project="demo"))
            results += run_definition(inner, place, step.pause.values(seen), user=user)
        elif step.pause is None:
            before = place / "OPSAAS_OUTPUTS_FILE"
            before.write_text(json.dumps(handed_on))
            more = {"OPSAAS_OUTPUTS_FILE": str(before)} if handed_on else {}
            results.append(_run_step(step, variables=variables | more, folder=place, user=user))
        if results and results[-1].exit_code != 0:
            break
        handed_on[step.id] = results[-1].outputs if results else {}
    return results


def _run_step(step: Step, *, variables: dict[str, str], folder: Path, user: int | None) -> Result:
    home = folder / "home"
    home.mkdir()
    script = folder / step.script_name
    script.write_text(step.script)
    script.chmod(0o700)
    files = {name: folder / name for name in ("OPSAAS_OUTPUT_FILE", "OPSAAS_SUMMARY_FILE")}
    for file in files.values():
        file.touch()
    if user is not None:
        for path in (folder, *folder.iterdir()):
            os.chown(path, user, -1)
    base = {"PATH": PATH, "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        _command(step.interpreter, str(script)),
        env=base | {name: str(file) for name, file in files.items()} | variables,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=60,
        user=user,
    )
    left = outputs.parse(files["OPSAAS_OUTPUT_FILE"].read_bytes())
    assert left.complaints == []
    output = done.stdout.decode(errors="backslashreplace")
    return Result(done.returncode, output, left.values, files["OPSAAS_SUMMARY_FILE"].read_text(), home)


def _command(interpreter: tuple[str, ...] | None, script: str) -> list[str]:
    if interpreter is None:
        return [script]
    if "{script}" in interpreter:
        return [script if word == "{script}" else word for word in interpreter]
    return [*interpreter, script]
