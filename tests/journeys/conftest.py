"""One running installation with the demo's people and a real worker, and a browser for whoever needs one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.installation import Installation, installation
from tests.journeys.browsing import CHROMIUM, FLAGS, PASSWORD, WAIT, Desk, require_front_end
from tests.vetted import Vetted


@pytest.fixture(scope="session")
def system() -> Iterator[Installation]:
    require_front_end()
    with installation(OPSAAS_DEMO_PASSWORD=PASSWORD, OPSAAS_STOP_GRACE_SECONDS=1) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=WAIT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def office(chromium: Browser, system: Installation) -> Desk:
    return Desk(chromium=chromium, system=system)


@pytest.fixture
def desk(office: Desk) -> Iterator[Desk]:
    """Fails the test where a browser complained: of a script, of the content policy, of another host."""
    office.complaints.clear()
    yield office
    office.close()
    assert office.complaints == []


@pytest.fixture(scope="session")
def project(system: Installation) -> Vetted:
    return Vetted(system)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A file that scripts wait for, so that a run lasts exactly as long as a test wants."""
    tmp_path.chmod(0o777)
    return tmp_path / "gate"
