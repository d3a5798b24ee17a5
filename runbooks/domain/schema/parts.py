"""Ways to write a part of the schema: every object is closed, every text and list has a limit."""

Schema = dict[str, object]

SLUG = "^[a-z0-9][a-z0-9-]*$"
NAME = "^[a-z][a-z0-9_]*$"
PATH = "^[a-z0-9][a-z0-9-]{0,63}/[a-z0-9][a-z0-9-]{0,63}$"
LINE = r"^[^\r\n]*$"
TITLE = r"^[^\r\n]*[^\s][^\r\n]*$"
FILE_NAME = "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
TIMEOUT = "^([0-9]{1,5}h([0-9]{1,5}m)?([0-9]{1,5}s)?|[0-9]{1,5}m([0-9]{1,5}s)?|[0-9]{1,5}s)$"


def object_schema(title: str, description: str, *, required: list[str], properties: Schema, **more: object) -> Schema:
    return {
        "title": title,
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
        **more,
    }


def text_schema(title: str, description: str, *, most: int, least: int = 1, **more: object) -> Schema:
    return {
        "title": title,
        "description": description,
        "type": "string",
        "minLength": least,
        "maxLength": most,
        **more,
    }


def list_schema(title: str, description: str, *, of: Schema, most: int, least: int = 0, **more: object) -> Schema:
    return {
        "title": title,
        "description": description,
        "type": "array",
        "minItems": least,
        "maxItems": most,
        "items": of,
        **more,
    }


def only_for(types: list[str], fields: list[str], sentence: str) -> Schema:
    """Refuses FIELDS of a parameter whose type is none of TYPES, with the sentence to say."""
    return {
        "if": {"properties": {"type": {"not": {"enum": types}}}},
        "then": {"properties": {field: {"not": {}, "description": sentence} for field in fields}},
    }
