"""The settings page and the settings tell of the same variables."""

import re
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
READERS = "text|flag|whole_number|seconds|words|folder|folders|secret|keyring|one_of|numbers|allowed_hosts"
READER = re.compile(rf"env\.(?:{READERS})\(\s*\"([A-Z_]+)\"")


def variables_read() -> set[str]:
    sources = [*(HOME / "opsaas").glob("*.py"), *(HOME / "runbooks").rglob("*.py")]
    return {name for source in sources for name in READER.findall(source.read_text())}


def variables_documented() -> set[str]:
    rows = [row for row in (HOME / "docs/settings.md").read_text().splitlines() if row.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    assert variables_documented() - {"OPSAAS_SECRET_KEY_FILE", "OPSAAS_SECRETS_KEYS_FILE"} == variables_read()
