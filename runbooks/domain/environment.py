"""How parameter values reach a script: as environment variables, never as script text or arguments."""

import json
from collections.abc import Mapping

from runbooks.domain.ports import JsonValue

# Linux takes no environment string above 128 KiB; larger values are in the parameters file only.
LARGEST_VARIABLE_BYTES = 100 * 1024


def render(value: JsonValue) -> str | None:
    """The text of one value: strings as they are, all else as JSON. None stands for "leave the variable out"."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def parameter_variables(values: Mapping[str, JsonValue]) -> dict[str, str]:
    """`OPSAAS_PARAM_<NAME>` for each value that is set and small enough."""
    rendered = {f"OPSAAS_PARAM_{name.upper()}": render(value) for name, value in values.items()}
    return {name: text for name, text in rendered.items() if text is not None and _fits(text)}


def _fits(text: str) -> bool:
    return len(text.encode()) <= LARGEST_VARIABLE_BYTES
