"""The settings page and the settings tell of the same variables."""

import re
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
KINDS = "rate|text|flag|whole_number|seconds|words|folder|folders|secret|one_of|numbers|allowed_hosts"
READERS = f"{KINDS}|places|keyring|signing_keys|public_keys"
READER = re.compile(rf"env\.(?:{READERS})\(\s*\"([A-Z_]+)\"")
FILES = {f"{name}_FILE" for name in ("OPSAAS_SECRET_KEY", "OPSAAS_SECRETS_KEYS", "OPSAAS_AUDIT_KEYS")}


def variables_read() -> set[str]:
    sources = [*(HOME / "opsaas").glob("*.py"), *(HOME / "runbooks").rglob("*.py")]
    return {name for source in sources for name in READER.findall(source.read_text())}


def variables_documented() -> set[str]:
    rows = [row for row in (HOME / "docs/settings.md").read_text().splitlines() if row.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    assert variables_documented() - FILES == variables_read()
