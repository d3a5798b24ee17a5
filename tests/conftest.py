import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings

from tests import environment

environment.prepare()
django.setup()
del os.environ["DJANGO_SETTINGS_MODULE"]  # or processes that share the tests would read our settings, not their own
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores these, and so would
signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # every script that a test starts
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as does what `nohup` starts
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick, for tests only

from runbooks.management.embedded import broker as embedded_broker  # noqa: E402  (the environment comes first)
from tests.world import World  # noqa: E402


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """A real broker's address: the one that OPSAAS_TEST_REDIS_URL names, or a Valkey of the tests' own."""
    url = os.environ["OPSAAS_BROKER_URL"]
    if os.environ.get("OPSAAS_TEST_REDIS_URL"):
        yield url
        return
    folder = Path(os.environ["OPSAAS_DATA_DIR"])
    process = subprocess.Popen(embedded_broker.prepare(folder))
    try:
        _wait_for(embedded_broker.socket_path(folder))
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(path: Path) -> None:
    end = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < end, "the broker did not start"
        time.sleep(0.02)


@pytest.fixture
def world(db: None) -> World:
    """The fixed cast and their project; see tests/world.py."""
    return World()
