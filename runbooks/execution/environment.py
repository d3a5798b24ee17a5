"""All that a script's environment holds: nothing of the worker's own."""

from runbooks.domain.environment import parameter_variables
from runbooks.domain.ports import Work
from runbooks.execution.folder import Layout


def environment(*, work: Work, layout: Layout, search_path: str) -> dict[str, str]:
    return {
        "PATH": search_path,
        "HOME": layout.root,
        "TMPDIR": layout.temporary,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "OPSAAS_RUN_ID": work.run_id,
        "OPSAAS_STEP_ID": work.step_id,
        "OPSAAS_NODE": work.node,
        "OPSAAS_ATTEMPT": str(work.attempt),
        "OPSAAS_ACTOR": work.actor,
        "OPSAAS_PARAMS_FILE": layout.parameters,
        "OPSAAS_OUTPUT_FILE": layout.output,
        "OPSAAS_SUMMARY_FILE": layout.summary,
        "OPSAAS_ARTIFACTS_DIR": layout.artifacts,
        **parameter_variables(work.parameters, paths=paths(work=work, layout=layout)),
        **work.secrets,
        **{name: layout.file(_secret(name), name) for name in work.secret_files},
    }


def given_files(work: Work) -> dict[str, tuple[str, bytes]]:
    """Name and content of what lies in the script's folder before it starts, by parameter or secret."""
    files = {parameter: (file.name, file.data) for parameter, file in work.files.items()}
    return files | {_secret(name): (name, content.encode()) for name, content in work.secret_files.items()}


def _secret(name: str) -> str:
    """Beside the files of parameters; no parameter is called so."""
    return f"secret-{name}"


def paths(*, work: Work, layout: Layout) -> dict[str, str]:
    """Where the script finds the files that were given for parameters."""
    return {parameter: layout.file(parameter, file.name) for parameter, file in work.files.items()}
