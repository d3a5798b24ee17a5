"""A running installation that tests may harm. Its leases are short, so that nobody waits for long."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Client, Installation, installation
from tests.vetted import Vetted

LEASE_SECONDS = 4


@pytest.fixture(scope="session")
def system() -> Iterator[Installation]:
    with installation(
        OPSAAS_LEASE_SECONDS=LEASE_SECONDS, OPSAAS_SWEEP_SECONDS=1, OPSAAS_STOP_GRACE_SECONDS=1, OPSAAS_DRAIN_SECONDS=2
    ) as running:
        yield running


@pytest.fixture(scope="session")
def project(system: Installation) -> Vetted:
    return Vetted(system)


@pytest.fixture
def runner(system: Installation) -> Client:
    return system.client("runner")


@pytest.fixture
def starts(tmp_path: Path) -> Path:
    """A file outside the app in which scripts count their own starts."""
    os.chmod(tmp_path, 0o777)
    return tmp_path / "starts"
