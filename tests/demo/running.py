"""Runs a demo runbook for real, in what the contract gives a script, without the rest of opsaas."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbooks.demo.load import PROCEDURES, load_definition

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


def parameters_of(slug: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = definition_of(slug)["spec"].get("parameters", [])
    return found


def definition_of(slug: str) -> dict[str, Any]:
    return load_definition(PROCEDURES / f"{slug}.yaml", project="demo")


def run(slug: str, folder: Path, **values: object) -> list[Result]:
    """The results of the steps that ran: up to the first that failed, each in a folder of its own."""
    results: list[Result] = []
    for step in definition_of(slug)["spec"]["steps"]:
        place = folder / step["id"]
        place.mkdir()
        results.append(_run_step(step, environment=_values(slug, values), folder=place))
        if results[-1].exit_code != 0:
            break
    return results


def _values(slug: str, given: dict[str, object]) -> dict[str, str]:
    defaults = {parameter["name"]: parameter.get("default") for parameter in parameters_of(slug)}
    assert given.keys() <= defaults.keys(), f"{slug} has no such parameter"
    values = {name: value for name, value in (defaults | given).items() if value is not None}
    return {f"OPSAAS_PARAM_{name.upper()}": _text(value) for name, value in values.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _run_step(step: dict[str, Any], *, environment: dict[str, str], folder: Path) -> Result:
    home = folder / "home"
    home.mkdir()
    script = folder / step["script"]["name"]
    script.write_text(step["script"]["text"])
    script.chmod(0o700)
    files = {name: folder / name for name in ("OPSAAS_OUTPUT_FILE", "OPSAAS_SUMMARY_FILE")}
    for file in files.values():
        file.touch()
    base = {"PATH": PATH, "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        _command(step.get("interpreter"), str(script)),
        env=base | {name: str(file) for name, file in files.items()} | environment,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=60,
    )
    output = done.stdout.decode(errors="backslashreplace")
    outputs = dict(line.split("=", 1) for line in files["OPSAAS_OUTPUT_FILE"].read_text().splitlines())
    return Result(done.returncode, output, outputs, files["OPSAAS_SUMMARY_FILE"].read_text(), home)


def _command(interpreter: list[str] | None, script: str) -> list[str]:
    if interpreter is None:
        return [script]
    if "{script}" in interpreter:
        return [script if word == "{script}" else word for word in interpreter]
    return [*interpreter, script]
