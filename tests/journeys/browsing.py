"""People in front of browsers. Whatever a browser complains about, anywhere on the way, fails the test."""

import os
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, StorageState, ViewportSize

from tests.installation import HOME, Installation

CHROMIUM = os.environ.get("OPSAAS_TEST_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "a long enough password"
AXE = HOME / "runbooks/assets/node_modules/axe-core/axe.min.js"
WAIT = 20_000  # milliseconds
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOUR = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}  # all that differs between the themes
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=900)


def require_front_end() -> None:
    for path in (HOME / "runbooks/static/opsaas", AXE):
        if not path.exists():
            raise RuntimeError(f"{path.relative_to(HOME)} is missing: build the front end with `make ready` first.")


# Leaving a page while its script still asks for a fragment: htmx says so in red, and means no harm.
GIVEN_UP = ("htmx:afterRequest", "htmx:sendAbort")


class Desk:
    """Where people sit down: each at a browser of their own, signed in."""

    def __init__(self, *, chromium: Browser, system: Installation) -> None:
        self.system, self.address = system, f"http://127.0.0.1:{system.port}"
        self.complaints: list[str] = []
        self._chromium, self._open = chromium, list[BrowserContext]()
        self._signed_in: dict[str, StorageState] = {}

    def browser_of(self, name: str | None, **options: Any) -> Page:
        """A new page in a browser of its own: nothing is shared with the other pages. None: a stranger's."""
        state = self._state_of(name) if name else None
        context = self._chromium.new_context(
            base_url=self.address, viewport=DESK, reduced_motion="reduce", storage_state=state, **options
        )
        self._watch(context)
        return context.new_page()

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    def _state_of(self, name: str) -> StorageState:
        if name not in self._signed_in:
            page = self.browser_of(None)
            page.goto("/accounts/login/")
            page.get_by_label("Username").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{self.address}/")
            self._signed_in[name] = page.context.storage_state()
        return self._signed_in[name]

    def _watch(self, context: BrowserContext) -> None:
        self._open.append(context)
        context.set_default_timeout(WAIT)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        context.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        refused_page = message.text.startswith("Failed to load resource") and (
            message.page is not None and message.location["url"] == message.page.url
        )
        if message.type == "error" and not refused_page and not message.text.startswith(GIVEN_UP):
            self.complaints.append(f"console: {message.text} ({message.location['url']})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"another host was asked: {request.url}")


def axe_findings(page: Page, rules: object = RULES) -> list[str]:
    page.evaluate(AXE.read_text())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules)
    return [
        f"{rule['id']}: {node['target'][0]} {node.get('failureSummary', '')[:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def sideways(page: Page) -> list[str]:
    """What makes the page wider than its window."""
    return list(
        page.evaluate(
            """() => {
                const room = document.documentElement.clientWidth;
                if (document.documentElement.scrollWidth <= room) return [];
                const wide = [...document.querySelectorAll("body *")].filter(
                    (one) => one.getBoundingClientRect().right > room + 1);
                return [`${document.documentElement.scrollWidth} > ${room}`,
                        ...wide.slice(0, 5).map((one) => one.outerHTML.slice(0, 120))];
            }"""
        )
    )


def twice_named(page: Page) -> list[str]:
    """Ids that two elements have: scripts and labels find only the first."""
    return list(
        page.evaluate(
            """() => [...document.querySelectorAll("[id]")].map((one) => one.id)
                .filter((id, at, all) => all.indexOf(id) !== at).map((id) => `two elements are called ${id}`)"""
        )
    )


def log_of(page: Page) -> list[str]:
    """The lines that the live log shows."""
    return page.locator(".log-row .log-text").all_inner_texts()
