"""The runbooks that look at the machine, on one of which something is known."""

import os
import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.running import run, run_as

FINE, FINDING = 0, 1
GENEROUS = {"load_per_cpu": 1000, "memory_percent": 0, "swap_percent": 101}
GENEROUS |= {"pressure_percent": 101, "disk_percent": 101}


def test_a_healthy_machine_is_called_so(tmp_path: Path) -> None:
    (result,) = run("system-health-snapshot", tmp_path, **GENEROUS)
    assert (result.exit_code, result.outputs["findings"]) == (FINE, "0"), result.output


def test_each_limit_of_the_machine_is_a_finding_of_its_own(tmp_path: Path) -> None:
    (result,) = run("system-health-snapshot", tmp_path, **(GENEROUS | {"memory_percent": 100, "disk_percent": 0}))
    assert result.exit_code == FINDING
    looked_at = [line for line in result.lines if line.startswith("\x1b[31mlook")]
    assert len(looked_at) == int(result.outputs["findings"]) >= 1
    assert "memory available" in looked_at[0]


def test_a_listener_that_is_not_on_the_list_is_found_and_an_allowed_one_is_not(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        others = f"0-{port - 1}\n{port + 1}-65535"
        (result,) = run("listening-ports", tmp_path, allowed=others, loopback_is_fine=False)
        (tmp_path / "again").mkdir()
        (lenient,) = run("listening-ports", tmp_path / "again", allowed=others)
    assert (result.exit_code, result.outputs["unexpected_ports"]) == (FINDING, f"{port}/tcp")
    assert f"({os.getpid()})" in next(line for line in result.lines if f"{port}/tcp" in line)
    assert lenient.exit_code == FINE


def test_udp_is_looked_at_where_it_is_asked_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        results = []
        for asked in (False, True):
            folder = tmp_path / str(asked)
            folder.mkdir()
            results += run("listening-ports", folder, allowed="0-65535", include_udp=asked, loopback_is_fine=False)
    without, with_it = results
    assert f"{port}/udp" not in without.output
    assert f"{port}/udp" in with_it.outputs["unexpected_ports"].split(", ")


def test_an_ipv6_listener_is_shown_with_its_address(tmp_path: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        (result,) = run("listening-ports", tmp_path, allowed="")
        row = next(line for line in result.lines if f" {listener.getsockname()[1]}/tcp " in line)
    assert " ::1 " in row
    assert "local only" in row


def test_a_deleted_file_that_is_still_open_is_found(tmp_path: Path) -> None:
    victim = tmp_path / "tree" / "gone.log"
    victim.parent.mkdir()
    with victim.open("wb") as file:
        file.write(b"x" * 300_000)
        file.flush()
        os.fsync(file.fileno())
        victim.unlink()
        (result,) = run("disk-pressure", tmp_path, path=victim.parent, limit_percent=100)
    assert f"process {os.getpid()} (" in result.output
    assert str(victim) in result.output


def test_a_deleted_file_of_another_filesystem_is_not_counted(tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if not os.access(elsewhere, os.W_OK) or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has no second filesystem to write to")
    with tempfile.NamedTemporaryFile(dir=elsewhere) as file:
        file.write(b"x" * 300_000)
        file.flush()
        Path(file.name).unlink()
        (result,) = run("disk-pressure", tmp_path, path=tmp_path, limit_percent=100, count=100)
        Path(file.name).touch()  # for its own clean-up
    assert file.name not in result.output


def test_a_file_name_cannot_forge_a_line_of_the_output(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a\x1b[2J\r::error::forged").write_bytes(b"x" * 9000)
    (result,) = run("disk-pressure", tmp_path, path=tree, limit_percent=100)
    assert "a?[2J?::error::forged" in result.output


@pytest.fixture
def nobody() -> int | None:
    """Whom to run as in order to have no rights: None where the tests have none themselves."""
    return 65534 if os.geteuid() == 0 else None


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Where that user may work: pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_what_may_not_be_seen_of_other_processes_is_marked_and_the_rest_is_right(
    nobody: int | None, public_folder: Path
) -> None:
    (result,) = run_as(nobody, "process-memory-report", public_folder, {"sort_by": "proportional", "count": 200})
    assert result.exit_code == FINE, result.output
    first = next(line for line in result.lines if re.match(r"\s+1\s", line)).split()
    assert (first[3], first[6]) == ("?", "?"), "process 1 belongs to root"
    assert first[5].isdigit()
    assert "may not be looked into by this user" in result.output


def test_folders_that_may_not_be_read_are_counted(nobody: int | None, public_folder: Path) -> None:
    tree = public_folder / "tree"
    (tree / "closed").mkdir(parents=True)
    (tree / "closed").chmod(0)
    (result,) = run_as(nobody, "disk-pressure", public_folder, {"path": tree, "limit_percent": 100})
    assert (result.exit_code, result.outputs["unread_folders"]) == (FINE, "1"), result.output
    assert "::warning::1 folders could not be read by" in result.output
