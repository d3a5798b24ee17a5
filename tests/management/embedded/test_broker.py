import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from runbooks.management.embedded import broker


@contextmanager
def running(folder: Path) -> Iterator[redis.Redis]:
    process = subprocess.Popen(broker.prepare(folder))
    path = broker.socket_path(folder)
    client = redis.Redis(unix_socket_path=str(path))
    try:
        end = time.monotonic() + 10
        while not path.exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / 'a "quoted" folder'
    made.mkdir()
    return made


def test_the_broker_listens_on_a_private_socket_and_on_no_port(folder: Path) -> None:
    with running(folder) as client:
        assert client.config_get("port") == {"port": "0"}
        assert broker.socket_path(folder).stat().st_mode & 0o077 == 0
        assert (folder / "valkey").stat().st_mode & 0o077 == 0


def test_what_the_broker_holds_survives_its_restart(folder: Path) -> None:
    with running(folder) as client:
        client.set("queued", "1")
    with running(folder) as client:
        assert client.get("queued") == b"1"


def test_a_stale_socket_is_removed(folder: Path) -> None:
    with running(folder):
        pass
    broker.socket_path(folder).touch()
    with running(folder) as client:
        assert client.ping()


def test_a_long_data_folder_gets_a_short_socket_that_stays_the_same(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    path = broker.socket_path(deep)
    assert len(os.fsencode(path)) <= broker.SOCKET_PATH_LIMIT
    assert path == broker.socket_path(deep)
    with running(deep) as client:
        assert client.ping()
        assert path.parent.stat().st_mode & 0o077 == 0
    path.parent.rmdir()


def test_a_temporary_folder_that_is_a_link_is_not_trusted(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    guessed = broker.socket_path(deep).parent
    guessed.symlink_to(tmp_path)
    try:
        with pytest.raises(broker.BrokerError, match="belongs to somebody else"):
            broker.prepare(deep)
    finally:
        guessed.unlink()


def test_commands_run_beside_it_find_the_broker_by_a_file(folder: Path) -> None:
    broker.prepare(folder)
    assert (folder / "broker-url").read_text().strip() == f"redis+socket://{broker.socket_path(folder)}"
