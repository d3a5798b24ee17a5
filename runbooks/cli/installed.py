"""Which version this is. A module of its own, because package metadata are slow to load."""

from importlib import metadata


def version() -> str:
    try:
        return metadata.version("opsaas")
    except metadata.PackageNotFoundError:
        return "not installed as a package"
