"""The demo's runbooks as definitions, ready to be saved: scripts put in, samples found, project named."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

HERE = Path(__file__).resolve().parent
PROCEDURES = HERE / "procedures"
SAMPLES = HERE / "samples"
SAMPLES_PLACEHOLDER = "@samples@"  # in defaults: scripts run in a folder of their own and need an absolute path
PROJECT_PLACEHOLDER = "@project@"  # in the paths of runbooks that are steps

Definition = dict[str, Any]


class BrokenProcedure(Exception):
    """A file of the demo names a script that is not in its folder."""


def load_definitions(*, project: str, procedures: Path = PROCEDURES, samples: Path = SAMPLES) -> list[Definition]:
    """One definition per YAML file, in the order of their names."""
    files = sorted(procedures.glob("*.yaml"))
    return [load_definition(file, project=project, samples=samples) for file in files]


def load_definition(file: Path, *, project: str, samples: Path = SAMPLES) -> Definition:
    definition: Definition = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    definition["metadata"]["project"] = project
    for parameter in definition["spec"].get("parameters", ()):
        if isinstance(default := parameter.get("default"), str):
            parameter["default"] = default.replace(SAMPLES_PLACEHOLDER, str(samples.resolve()))
    for step in definition["spec"]["steps"]:
        if "script" in step:
            step["script"] = _inlined(step["script"], folder=file.parent)
        if "runbook" in step:
            step["runbook"]["path"] = step["runbook"]["path"].replace(PROJECT_PLACEHOLDER, project)
    return definition


def _inlined(script: Any, *, folder: Path) -> Any:
    """`{file: ./scripts/x}` becomes the name and the text of that file."""
    if not isinstance(script, dict) or "file" not in script:
        return script
    file = (folder / script["file"]).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise BrokenProcedure(f"{script['file']} is not a script in {folder}.")
    return {"name": file.name, "text": file.read_text(encoding="utf-8")}
