"""The part of the schema that says what scripts are kept within."""

from runbooks.domain.schema.parts import Schema, object_schema, text_schema

SIZE = "^[1-9][0-9]{0,8}(KiB|MiB|GiB)$"
SIZE_RULE = "This must be a size such as 512KiB, 256MiB or 2GiB."
CPU_TIME = "^[0-9]{1,5}(s|m|h)$"
CPU_TIME_RULE = "This must be a duration such as 90s, 5m or 1h."


def _size(title: str, description: str, example: str) -> Schema:
    return text_schema(title, description, most=20, pattern=SIZE, examples=[example])


def _count(title: str, description: str, *, least: int, most: int) -> Schema:
    return {"title": title, "description": description, "type": "integer", "minimum": least, "maximum": most}


CONTAINMENT = object_schema(
    "Containment",
    "What the scripts are kept within. Where nothing is said: the strongest that the worker has, with network.",
    required=[],
    properties={
        "level": {
            "title": "Level",
            "description": "full: sees programs and its own folder, nothing else of the machine. process: sees "
            "the machine's processes, but not the app's files or other runs. host: an ordinary process of the worker's "
            "user. The installation may demand more.",
            "enum": ["host", "process", "full"],
        },
        "network": {
            "title": "Network",
            "description": "Whether there is a network beside the script's own loopback. False needs the level full.",
            "type": "boolean",
        },
        "memory": _size("Memory", "The most that each process may have for its data.", "512MiB"),
        "cpu": text_schema(
            "Processor time", "The most that each process may use.", most=10, pattern=CPU_TIME, examples=["60s"]
        ),
        "processes": _count("Processes", "The most at a time. Needs more than the level host.", least=4, most=100_000),
        "open_files": _count("Open files", "The most that each process may have open.", least=16, most=1_000_000),
        "file_size": _size("File size", "The largest file that may be written.", "1GiB"),
    },
)
