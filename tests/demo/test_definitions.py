"""What every runbook of the demo must be, whatever it does."""

import re
from pathlib import Path
from typing import Any

import pytest

from runbooks.demo.load import PROCEDURES, SAMPLES, load_definitions
from runbooks.domain.definition import parse_definition
from runbooks.domain.pauses import Manual

DEFINITIONS = {definition["metadata"]["slug"]: definition for definition in load_definitions(project="demo")}
SUPPORTED_TYPES = {"string", "text", "integer", "number", "boolean", "choice", "choices", "datetime", "file"}
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Verify", "Undo"]

every_runbook = pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS.keys())


def scripts_of(definition: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in definition["spec"]["steps"] if "script" in step]


def languages_of(definition: dict[str, Any]) -> set[str]:
    found = set()
    for step in scripts_of(definition):
        first = step["script"]["text"].partition("\n")[0]
        command = step["interpreter"][0] if "interpreter" in step else first.split("/")[-1].removeprefix("env ")
        found.add(command)
    return found


def test_there_are_as_many_runbooks_and_languages_as_promised() -> None:
    languages = set().union(*(languages_of(definition) for definition in DEFINITIONS.values()))
    assert len(DEFINITIONS) >= 15
    assert languages == {"sh", "bash", "python3", "perl", "awk", "node"}


@every_runbook
def test_a_definition_holds(definition: dict[str, Any]) -> None:
    assert parse_definition(definition).project == "demo"


@every_runbook
def test_a_runbook_is_named_as_its_file(definition: dict[str, Any]) -> None:
    slug = definition["metadata"]["slug"]
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", slug)
    assert (PROCEDURES / f"{slug}.yaml").is_file()
    assert definition["apiVersion"] == "opsaas/v1"
    assert definition["kind"] == "Runbook"


@every_runbook
def test_a_document_says_what_somebody_needs_at_night(definition: dict[str, Any]) -> None:
    parts = re.split(r"^## (.+)$", definition["doc"], flags=re.MULTILINE)
    assert parts[1::2] == SECTIONS
    assert all(len(text.strip()) > 10 for text in parts[2::2])


@every_runbook
def test_every_parameter_explains_itself_and_is_of_a_supported_type(definition: dict[str, Any]) -> None:
    for parameter in definition["spec"].get("parameters", []):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", parameter["name"])
        assert parameter["type"] in SUPPORTED_TYPES
        assert parameter["help"].endswith("."), parameter["name"]


@every_runbook
def test_every_step_has_a_timeout_and_a_title(definition: dict[str, Any]) -> None:
    for step in definition["spec"]["steps"]:
        assert re.fullmatch(r"[0-9]+[smh]", step["timeout"])
        assert step["title"]


@every_runbook
def test_a_runbook_is_found_by_tags_and_alerts(definition: dict[str, Any]) -> None:
    tags, alerts = definition["metadata"]["tags"], definition["metadata"]["alerts"]
    assert tags
    assert languages_of(definition) & {tag.replace("python", "python3") for tag in tags}
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]+", alert) for alert in alerts)


def test_one_runbook_asks_a_person_runs_another_and_goes_on_with_what_that_handed_on() -> None:
    definition = parse_definition(DEFINITIONS["restore-drill"])
    assert [call.path for call in definition.calls.values()] == ["demo/backup-sqlite"]
    assert [step.id for step in definition.steps if isinstance(step.pause, Manual)] == ["look"]
    assert any("OPSAAS_OUTPUTS_FILE" in step.script for step in definition.steps)


def test_an_alert_leads_to_one_runbook() -> None:
    alerts = [alert for definition in DEFINITIONS.values() for alert in definition["metadata"]["alerts"]]
    assert len(alerts) == len(set(alerts))


def test_one_runbook_asks_for_a_reason_and_a_second_look() -> None:
    high = [slug for slug, definition in DEFINITIONS.items() if definition["spec"]["risk"] == "high"]
    assert high == ["rotate-application-log"]
    assert any(parameter.get("confirm") for parameter in DEFINITIONS[high[0]]["spec"]["parameters"])


def test_one_runbook_has_parameters_of_every_type_and_rule() -> None:
    parameters = DEFINITIONS["capacity-forecast"]["spec"]["parameters"]
    assert {parameter["type"] for parameter in parameters} == SUPPORTED_TYPES
    rules = {rule for parameter in parameters for rule in parameter}
    assert {"pattern", "min", "max", "choices", "default", "required"} <= rules


def test_every_sample_that_is_named_is_shipped() -> None:
    defaults = [p.get("default") for d in DEFINITIONS.values() for p in d["spec"].get("parameters", [])]
    named = [Path(default) for default in defaults if isinstance(default, str) and default.startswith(str(SAMPLES))]
    assert len(named) >= 4
    assert all(path.exists() for path in named)


def test_no_sample_holds_a_private_key() -> None:
    files = [path for path in SAMPLES.rglob("*") if path.is_file()]
    assert files
    assert not any(b"PRIVATE KEY" in path.read_bytes() for path in files)


def test_scripts_read_only_parameters_that_exist() -> None:
    strays = []
    for slug, definition in DEFINITIONS.items():
        known = {p["name"].upper() for p in definition["spec"].get("parameters", [])}
        texts = [step["script"]["text"] for step in scripts_of(definition)]
        read = {name for text in texts for name in re.findall(r"OPSAAS_PARAM_([A-Z0-9_]+)", text)}
        handed_on = [
            str(step["runbook"].get("parameters")) for step in definition["spec"]["steps"] if "runbook" in step
        ]
        read |= {name.upper() for text in handed_on for name in re.findall(r"params\.([a-z0-9_]+)", text)}
        strays += [f"{slug}: {name}" for name in read ^ known]
    assert strays == []


def test_one_runbook_waits_for_approval_where_it_is_about_production() -> None:
    rules = {slug: parse_definition(one).policy.approvals for slug, one in DEFINITIONS.items()}
    asking = {slug: rule.when for slug, rule in rules.items() if rule}
    assert asking == {"rotate-signing-key": 'params.env == "production"'}
