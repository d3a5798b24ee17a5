"""The pages about the demo and about writing runbooks keep their word."""

import re
from pathlib import Path

from runbooks.demo.load import load_definitions
from runbooks.domain.definition import parse_definition
from runbooks.domain.syntax.yaml_text import read_yaml
from tests.demo.running import run_definition

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_first_runbook_of_the_page_does_what_it_says(tmp_path: Path) -> None:
    example, *_ = re.findall(
        r"^```yaml\n(.*?)^```", (DOCS / "writing-a-runbook.md").read_text(), re.DOTALL | re.MULTILINE
    )
    definition = parse_definition(read_yaml(example.encode()))
    (fine,) = run_definition(definition, tmp_path, {"path": str(tmp_path), "limit": 100})
    assert (fine.exit_code, list(fine.outputs)) == (0, ["used"]), fine.output
    assert "% used, all is well" in fine.output
    assert str(tmp_path) in fine.summary


def test_the_table_of_the_demo_is_complete() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| .* \| ?(.*) \|$", (DOCS / "demo.md").read_text(), re.MULTILINE)
    told = {slug: [alert for alert in alerts.split(", ") if alert] for slug, alerts in rows}
    metadata = [definition["metadata"] for definition in load_definitions(project="demo")]
    assert told == {each["slug"]: each["alerts"] for each in metadata}
