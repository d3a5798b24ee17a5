"""The version of this software."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("opsaas")
except PackageNotFoundError:  # run from a checkout that was not installed
    VERSION = "development"
