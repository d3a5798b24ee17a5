"""`apply`, `plan`, `pull` and `lint`: a folder here, versions there."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Opsaas
from tests.cli.server import Refusal, Server

YAML = """
apiVersion: opsaas/v1
kind: Runbook
metadata: {project: payments, slug: drain-worker, title: Drain}
doc: |
  ## Meaning
  Stuck.
spec:
  steps:
    - id: drain
      interpreter: [bash]
      script: {file: ./scripts/drain.sh}
      timeout: 5m
    - id: after
      script: |
        #!/usr/bin/env python3
        print("done")
"""
DRAFT = "/api/v1/runbooks/payments/drain-worker/draft"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "runbooks"
    (folder / "scripts").mkdir(parents=True)
    (folder / "drain.yaml").write_text(YAML)
    (folder / "scripts/drain.sh").write_bytes(b"echo drain\r\n")
    (folder / "compose.yaml").write_text("services: {a: {image: b}}")
    return folder


def test_apply_puts_scripts_in_and_tells_the_version(opsaas: Opsaas, signed_in: Server, folder: Path) -> None:
    done = opsaas("apply", str(folder))
    assert done.code == 0, done.err
    name, number, state, digest, result = done.text.strip().split("\t")
    assert (name, number, state, result) == ("payments/drain-worker", "1", "draft", "new")
    assert digest.startswith("sha256:")
    sent = json.loads(signed_in.asked("PUT", DRAFT)[0][1])
    assert sent["spec"]["steps"][0]["script"] == {"name": "drain.sh", "text": "echo drain\r\n"}
    again = opsaas("apply", str(folder / "drain.yaml"))
    assert again.text.strip().split("\t")[1:] == ["1", "draft", digest, "unchanged"]


def test_apply_can_submit(opsaas: Opsaas, signed_in: Server, folder: Path) -> None:
    done = opsaas("apply", "--submit", "--json", str(folder))
    assert json.loads(done.out)[0]["state"] == "in_review"
    assert json.loads(opsaas("apply", "--submit", "--json", str(folder)).out)[0]["state"] == "in_review"


def test_plan_sees_what_is_new_and_what_changed_and_is_empty_after_apply(
    opsaas: Opsaas, signed_in: Server, folder: Path
) -> None:
    first = opsaas("plan", str(folder))
    assert (first.code, first.text.splitlines()[0]) == (2, "create payments/drain-worker"), first.err
    opsaas("apply", str(folder))
    same = opsaas("plan", str(folder))
    assert (same.code, same.out) == (0, b""), same.err
    (folder / "scripts/drain.sh").write_text("echo other\n")
    changed = opsaas("plan", str(folder))
    assert changed.code == 2
    lines = [line for line in changed.text.splitlines()[3:] if line.startswith(("+", "-"))]
    assert [line.split() for line in lines] == [
        ["-", "text:", '"echo', 'drain\\r\\n"'],
        ["+", "text:", "|"],
        ["+", "echo", "other"],
    ]
    assert json.loads(opsaas("plan", "--json", str(folder)).out)[0]["change"] == "update"


def test_pull_into_a_folder_and_plan_from_there_is_empty(
    opsaas: Opsaas, signed_in: Server, folder: Path, tmp_path: Path
) -> None:
    opsaas("apply", str(folder))
    copy = tmp_path / "copy"
    assert opsaas("pull", "payments/drain-worker", "--dir", str(copy)).code == 0
    assert (copy / "drain-worker/drain.sh").read_bytes() == b"echo drain\r\n"
    assert opsaas("plan", str(copy)).code == 0
    assert opsaas("pull", "payments/drain-worker", "--dir", str(copy)).code == 0
    (copy / "drain-worker.yaml").write_text("mine")
    refused = opsaas("pull", "payments/drain-worker", "--dir", str(copy))
    assert (refused.code, (copy / "drain-worker.yaml").read_text()) == (1, "mine")
    assert opsaas("pull", "payments/drain-worker", "--dir", str(copy), "--force").code == 0


def test_pull_to_standard_output_is_one_file(opsaas: Opsaas, signed_in: Server, folder: Path, tmp_path: Path) -> None:
    opsaas("apply", str(folder))
    (tmp_path / "one.yaml").write_bytes(opsaas("pull", "payments/drain-worker").out)
    assert opsaas("plan", str(tmp_path / "one.yaml")).code == 0


def test_names_of_scripts_from_the_server_cannot_leave_the_folder(
    opsaas: Opsaas, signed_in: Server, tmp_path: Path
) -> None:
    for number, name in enumerate(["../../evil.sh", "/tmp/evil.sh", ".bashrc", "a/b"]):
        definition = {"metadata": {}, "spec": {"steps": [{"id": "a", "script": {"name": name, "text": str(number)}}]}}
        signed_in.versions["payments/evil"] = [{"number": 1, "definition": definition}]
        place = tmp_path / f"deep/{number}"
        assert opsaas("pull", "payments/evil", "--dir", str(place)).code == 0
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()].count("evil.yaml") == number + 1
    assert {path.name for path in (tmp_path / "deep").rglob("*") if path.is_file()} == {"evil.yaml"}


def test_a_script_outside_of_the_folder_is_not_sent_away(opsaas: Opsaas, signed_in: Server, folder: Path) -> None:
    (folder.parent / "private").write_text("key")
    os.symlink(folder.parent / "private", folder / "link.sh")
    for name in ("../private", "/etc/passwd", "./link.sh"):
        (folder / "drain.yaml").write_text(YAML.replace("./scripts/drain.sh", name))
        done = opsaas("apply", str(folder))
        assert done.code == 1
        assert "lies outside" in done.err
    assert signed_in.asked("PUT", DRAFT) == []


def test_nothing_is_sent_while_one_file_is_broken(opsaas: Opsaas, signed_in: Server, folder: Path) -> None:
    (folder / "broken.yaml").write_text("kind: Runbook\nmetadata: {project: a\n")
    (folder / "twice.yaml").write_text(YAML)
    done = opsaas("apply", str(folder))
    assert done.code == 1
    assert "broken.yaml:" in done.err
    assert "is defined in" in done.err
    assert signed_in.asked("PUT", DRAFT) == []


def test_the_servers_pointers_are_shown_beside_the_file(opsaas: Opsaas, signed_in: Server, folder: Path) -> None:
    error = {"pointer": "/spec/steps/0/timeout", "code": "invalid", "detail": "Write it like 5m."}
    signed_in.refusals["PUT", DRAFT] = Refusal(400, {"title": "The request is not valid", "errors": [error]})
    done = opsaas("apply", str(folder))
    assert done.code == 1
    assert "drain.yaml: The request is not valid" in done.err
    assert "  /spec/steps/0/timeout: Write it like 5m." in done.err


def test_an_empty_folder_is_an_error(opsaas: Opsaas, signed_in: Server, tmp_path: Path) -> None:
    assert opsaas("apply", str(tmp_path)).code == 1
    assert opsaas("apply", str(tmp_path / "absent.yaml")).code in (1, 2)


def test_lint_names_file_and_pointer_and_sends_nothing(
    opsaas: Opsaas, signed_in: Server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPSAAS_TOKEN")  # the schema is for everybody
    assert opsaas("lint", str(folder)).code == 0
    (folder / "drain.yaml").write_text(YAML.replace("timeout: 5m", "timeout: 5").replace("id: after", "name: after"))
    done = opsaas("lint", str(folder))
    assert done.code == 1
    assert "/spec/steps/0/timeout: 5 is not of type 'string'" in done.text
    assert "/spec/steps/1: 'id' is a required property" in done.text
    assert {path for _, path, _, _ in signed_in.seen} == {"/schemas/runbook/v1.json"}
    (tmp_path / "schema.json").write_bytes(opsaas("schema").out)
    assert (
        opsaas("lint", "--schema", str(tmp_path / "schema.json"), str(folder), "--url", "http://127.0.0.1:9").code == 1
    )
