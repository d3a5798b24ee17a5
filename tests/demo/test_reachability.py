"""The runbooks that ask others, against a server of the tests' own."""

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.demo.running import Result, run

FINE, FINDING = 0, 1


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(0.1)
        self.send_response(503 if self.path == "/down" else 200)
        self.end_headers()
        self.wfile.write(b"all is well")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ask(site: int, tmp_path: Path) -> Callable[..., Result]:
    def ask_it(path: str, **values: object) -> Result:
        return run("http-endpoint-check", tmp_path, url=f"http://127.0.0.1:{site}{path}", **values)[0]

    return ask_it


@pytest.mark.parametrize(
    ("path", "values", "exit_code", "piece"),
    [
        ("/", {}, FINE, "The answer is right"),
        ("/", {"must_contain": "all is well"}, FINE, "waiting for the first byte"),
        ("/", {"must_contain": "maintenance"}, FINDING, "the expected text is not in the answer"),
        ("/down", {}, FINDING, "The status is 503, not 200"),
        ("/down", {"expected_status": 503}, FINE, "Status 503"),
    ],
)
def test_an_endpoint_is_judged_by_status_and_content(
    ask: Callable[..., Result], path: str, values: dict[str, object], exit_code: int, piece: str
) -> None:
    result = ask(path, **({"max_seconds": 60} | values))
    assert (result.exit_code, piece in result.output) == (exit_code, True), result.output
    assert result.outputs["answered"] == "yes"


def test_a_right_answer_that_is_late_is_a_finding(ask: Callable[..., Result]) -> None:
    result = ask("/slow", max_seconds=0.05)
    assert result.exit_code == FINDING
    assert "The answer is right, but took" in result.output


def test_a_port_that_answers_is_reachable(site: int, tmp_path: Path) -> None:
    (result,) = run("dns-and-reachability", tmp_path, host="127.0.0.1", port=site, budget_ms=5000)
    assert (result.exit_code, result.outputs["reachable"]) == (FINE, "yes"), result.output
    assert float(result.outputs["connect_ms"]) > 0


def test_a_port_that_answers_too_late_is_a_finding(site: int, tmp_path: Path) -> None:
    (result,) = run("dns-and-reachability", tmp_path, host="127.0.0.1", port=site, budget_ms=0.001)
    assert (result.exit_code, result.outputs["reachable"]) == (FINDING, "yes")
    assert "Slower than 0.001 ms" in result.output
