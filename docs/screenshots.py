"""Takes the pictures of the README from a running demo installation: `make screenshots`.

Reads OPSAAS_URL (http://127.0.0.1:8000 if unset) and OPSAAS_DEMO_PASSWORD. Needs Debian's `chromium`. It starts a few
runs as `runner`, and leaves the one that is pictured running to its end.
"""

import os
import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

IMAGES = Path(__file__).resolve().parent / "images"
LARGEST_BYTES = 200_000
SIZE = ViewportSize(width=1180, height=760)
LIVE = "log-viewer-exercise/run?p-pause_ms=800"
HALFWAY = re.compile("(50|60|70) %")  # a busy machine may miss one of them
EARLIER = (
    "system-health-snapshot/run?p-pressure_percent=100",
    "tls-certificate-expiry/run?p-days=1",
    "drill-failed-deployment/run",
    "backup-sqlite/run",
)


def main() -> None:
    address, password = os.environ.get("OPSAAS_URL", "http://127.0.0.1:8000"), os.environ.get("OPSAAS_DEMO_PASSWORD")
    chromium = shutil.which("chromium")
    if not password or not chromium:
        sys.exit("This needs OPSAAS_DEMO_PASSWORD (that of the running installation) and Debian's package `chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(
            base_url=address,
            viewport=SIZE,
            color_scheme="light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        sign_in(page, password)
        for runbook in EARLIER:
            start(page, runbook)
            page.wait_for_timeout(2000)
        start(page, LIVE)
        page.get_by_text(HALFWAY).first.wait_for()
        keep(page, "run.png")
        page.goto("/")
        page.wait_for_load_state("networkidle")
        keep(page, "catalog.png")
        browser.close()


def sign_in(page: Page, password: str) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "runner")
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What needs to be done?").wait_for()


def start(page: Page, runbook: str) -> None:
    page.goto(f"/runbooks/demo/{runbook}")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/runs/*")


def keep(page: Page, name: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    picture = page.screenshot(path=IMAGES / name)
    if len(picture) > LARGEST_BYTES:
        sys.exit(f"{name} has {len(picture)} bytes, more than {LARGEST_BYTES}.")
    print(IMAGES / name, len(picture))


if __name__ == "__main__":
    main()
