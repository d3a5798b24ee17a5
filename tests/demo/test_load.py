from pathlib import Path

import pytest

from runbooks.demo.load import BrokenProcedure, load_definitions

PROCEDURE = """\
apiVersion: opsaas/v1
kind: Runbook
metadata: {slug: one, title: One}
spec:
  parameters:
    - {name: log, type: string, default: "@samples@/a.log"}
    - {name: count, type: integer, default: 3}
  steps:
    - id: main
      script: {file: ./scripts/one.sh}
    - id: inline
      interpreter: [sh]
      script: echo hello
"""


@pytest.fixture
def procedures(tmp_path: Path) -> Path:
    folder = tmp_path / "procedures"
    (folder / "scripts").mkdir(parents=True)
    (folder / "one.yaml").write_text(PROCEDURE)
    (folder / "scripts" / "one.sh").write_text("#!/bin/sh\necho 'ünïcode'\n")
    return folder


def test_a_script_is_put_in_with_its_name_and_exact_text(procedures: Path) -> None:
    (definition,) = load_definitions(project="demo", procedures=procedures)
    first, second = definition["spec"]["steps"]
    assert first["script"] == {"name": "one.sh", "text": "#!/bin/sh\necho 'ünïcode'\n"}
    assert second["script"] == "echo hello"


def test_the_project_is_the_one_that_was_asked_for(procedures: Path) -> None:
    (definition,) = load_definitions(project="elsewhere", procedures=procedures)
    assert definition["metadata"] == {"slug": "one", "title": "One", "project": "elsewhere"}


def test_samples_are_found_by_their_absolute_path(procedures: Path, tmp_path: Path) -> None:
    (definition,) = load_definitions(project="demo", procedures=procedures, samples=tmp_path)
    assert [parameter["default"] for parameter in definition["spec"]["parameters"]] == [f"{tmp_path}/a.log", 3]


@pytest.mark.parametrize("file", ["./scripts/absent.sh", "../secret.txt", "/etc/hostname", "./scripts"])
def test_only_files_of_the_folder_are_put_in(procedures: Path, file: str) -> None:
    (procedures.parent / "secret.txt").write_text("secret")
    (procedures / "one.yaml").write_text(PROCEDURE.replace("./scripts/one.sh", file))
    with pytest.raises(BrokenProcedure, match="is not a script in"):
        load_definitions(project="demo", procedures=procedures)
