"""The one way to the server: adds the token, turns refusals and broken connections into Failures."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import cast
from urllib.parse import urlsplit

import httpx

from runbooks.cli.address import is_loopback
from runbooks.cli.failures import Failure, Unreachable
from runbooks.cli.problems import Refused

Json = dict[str, object]
Query = Mapping[str, str | int | None]

API = "/api/v1"
SCHEMA = "/schemas/runbook/v1.json"
AGENT = "opsaas-cli"
TIMEOUT = httpx.Timeout(30, connect=10)
QUIET_SECONDS = 60.0  # a stream sends heartbeats; one that is silent for so long is dead
TRIES = 4
LARGEST_PAGE = 200


class Client:
    def __init__(self, *, url: str, token: str | None) -> None:
        self.url = url
        self._token = token
        headers = {"User-Agent": AGENT, "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        # A proxy of the environment is no way to this very machine.
        local = is_loopback(urlsplit(url).hostname or "")
        verify = url.startswith("https:")  # reading the certificates takes 0.07 s that plain HTTP has no use for
        self._http = httpx.Client(headers=headers, timeout=TIMEOUT, trust_env=not local, verify=verify)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer, whole. Raises Refused and Unreachable."""
        sent = dict(headers or {})
        if body is not None:
            content = json.dumps(body, allow_nan=False).encode()
            sent.setdefault("Content-Type", "application/json")
        with self._broken_connections_told():
            answer = self._http.request(method, self.url + path, params=_given(query), content=content, headers=sent)
        self._check(answer)
        return answer

    def get(self, path: str, query: Query | None = None) -> Json:
        return as_object(self.request("GET", path, query=query))

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Json:
        return as_object(self.request("POST", path, body=body, headers=headers))

    def create(self, path: str, body: object, *, key: str) -> Json:
        """POST that may be repeated: the idempotency KEY makes sure that it takes effect once."""
        for left in reversed(range(TRIES)):
            try:
                return self.post(path, body, {"Idempotency-Key": key})
            except (Unreachable, Refused) as failure:
                in_progress = isinstance(failure, Refused) and failure.status == 409 and left < TRIES - 1
                again = isinstance(failure, Unreachable) or failure.status in (502, 503, 504) or in_progress
                if not (again and left):
                    raise
            time.sleep(0.3 * 2 ** (TRIES - left))
        raise AssertionError("the last try either returns or raises")

    def listed(self, path: str, query: Query, *, limit: int) -> tuple[list[Json], bool]:
        """The first LIMIT things of a list, and whether there are more."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            page = self.get(path, {**query, "limit": min(limit, LARGEST_PAGE), "cursor": cursor})
            results = page.get("results")
            if not isinstance(results, list):
                raise Failure(f"{self.url} answered without a list. Is it an opsaas?")
            found += results
            cursor = cast(str | None, page.get("next"))
            if cursor is None or len(found) >= limit:
                return found[:limit], cursor is not None or len(found) > limit

    @contextmanager
    def stream(self, path: str, *, query: Query | None = None, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """An answer that is read bit by bit, as it was sent: without compression, so that byte offsets hold."""
        sent = {"Accept-Encoding": "identity", **headers}
        request = self._http.build_request(
            "GET", self.url + path, params=_given(query), headers=sent, timeout=httpx.Timeout(QUIET_SECONDS, connect=10)
        )
        with self._broken_connections_told(), closing(self._http.send(request, stream=True)) as answer:
            if answer.status_code not in (200, 204, 206, 416):
                answer.read()
                self._check(answer)
            yield answer

    def _check(self, answer: httpx.Response) -> None:
        if answer.is_redirect:
            place = answer.headers.get("Location", "elsewhere")
            raise Failure(f"{self.url} sends on to {place}; opsaas itself never does. Check the address.")
        if not answer.is_success:
            raise Refused(status=answer.status_code, problem=self._problem(answer))

    def _problem(self, answer: httpx.Response) -> Json:
        """The problem document, or one made up for answers that are not opsaas' own. Never the token."""
        text = answer.text.replace(self._token, "***") if self._token else answer.text
        try:
            problem = json.loads(text)
        except ValueError:
            problem = None
        if isinstance(problem, dict):
            return problem
        return {"title": f"{self.url} answered {answer.status_code} {answer.reason_phrase}".strip() + "."}

    @contextmanager
    def _broken_connections_told(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            raise Unreachable(f"{self.url} did not answer in time.") from error
        except httpx.TransportError as error:
            raise Unreachable(f"{self.url} could not be reached: {str(error) or type(error).__name__}.") from error


def as_object(answer: httpx.Response) -> Json:
    try:
        value = answer.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Failure(f"{answer.url.copy_with(query=None)} answered with something else than JSON. Is it an opsaas?")
    return value


def _given(query: Query | None) -> dict[str, str | int] | None:
    """Without the filters that were not given."""
    return {name: value for name, value in (query or {}).items() if value is not None} or None
