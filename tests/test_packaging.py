"""What stands around the code: locks, image, compose file."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
LOCKS = ("requirements/run.txt", "requirements/dev.txt")
SECRETS = {"OPSAAS_SECRET_KEY": "a", "OPSAAS_SECRETS_KEYS": "c", "OPSAAS_DATABASE_PASSWORD": "b"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_hashes_and_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    for requirement in text.replace("\\\n", " ").splitlines():
        assert re.fullmatch(r"[a-z0-9._-]+==\S+( ; .+?)?(\s+--hash=sha256:[0-9a-f]{64})+", requirement.strip())


def test_the_tools_for_development_come_on_top_of_what_runs() -> None:
    assert pins(LOCKS[0]).items() <= pins(LOCKS[1]).items()


def test_a_server_starts_without_the_tools_for_development() -> None:
    """What is only in the lock for development is made impossible to import."""
    owners = packages_distributions()
    known = pins(LOCKS[0]).keys() | {"opsaas"}
    hidden = [name for name, owned in owners.items() if not known & {canonical(owner) for owner in owned}]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({hidden!r}))\n"
        "import opsaas.asgi, opsaas.celery, kombu.transport.redis, uvicorn.protocols.http.httptools_impl, uvloop\n"
        "opsaas.celery.app.loader.import_default_modules()\n"
    )
    assert "pytest" in hidden
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_front_ends_lock_names_no_host() -> None:
    lock = ROOT / "runbooks/assets/package-lock.json"
    assert '"resolved"' not in lock.read_text()


def test_the_image_is_well_made() -> None:
    done = subprocess.run(
        [str(TOOLS / "hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def compose(environment: Mapping[str, str], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """In a folder of its own: a developer's .env must not help."""
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    command = [str(TOOLS / "docker-compose"), "config", "-q"]
    return subprocess.run(
        command, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True, check=False
    )


def test_the_compose_file_is_valid(tmp_path: Path) -> None:
    done = compose(SECRETS, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("secret", SECRETS)
def test_the_compose_file_asks_for_each_secret_by_name(secret: str, tmp_path: Path) -> None:
    rest = {name: value for name, value in SECRETS.items() if name != secret}
    done = compose(rest, tmp_path)
    assert done.returncode != 0
    assert f"set {secret}" in done.stderr
