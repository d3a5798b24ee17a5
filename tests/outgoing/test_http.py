"""Calls to a real server on this machine, which only an allow-list makes possible."""

import socket
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address

import pytest

from runbooks.domain.addresses import Address, read_allowed
from runbooks.domain.ports import AddressRefused, Answer, NotReached
from runbooks.outgoing.connecting import Deadline, TimedStream
from runbooks.outgoing.http import LARGEST_ANSWER, CheckedHttp
from tests.outgoing.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def post(receiver: Receiver, *, seconds: float = 30, **more: str) -> Answer:
    http = CheckedHttp(allowed=read_allowed([receiver.host]), seconds=seconds)
    return http.call(method="POST", url=receiver.url, headers={"X-Word": "said", **more}, body=b"hello")


def test_what_is_allowed_gets_the_call_as_it_was_meant(receiver: Receiver) -> None:
    assert post(receiver) == Answer(200, b"ok")
    (got,) = receiver.got
    assert (got.path, got.body) == ("/hook", b"hello")
    assert got.headers == {"host": receiver.host, "content-length": "5", "connection": "close", "x-word": "said"}


def test_without_the_allow_list_nothing_arrives(receiver: Receiver) -> None:
    resolved = "127.0.0.1"
    for allowed in ([], ["127.0.0.2"], ["otherhost:80"]):
        http = CheckedHttp(allowed=read_allowed(allowed), resolver=lambda *_: [ip_address(resolved)])
        with pytest.raises(AddressRefused, match="OPSAAS_OUTGOING_ALLOW"):
            http.call(method="POST", url=f"https://hooks.example.org:{receiver.port}/", headers={})
    assert receiver.got == []


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [(307, {"Location": receiver.url + "/again"}, b"")]
    assert post(receiver).status == 307
    assert len(receiver.got) == 1


def test_a_name_that_leads_elsewhere_the_second_time_is_asked_only_once(receiver: Receiver) -> None:
    """DNS rebinding: what was checked is what is connected to."""
    asked = []

    def rebinding(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        return [ip_address("192.0.2.7" if len(asked) > 1 else "127.0.0.1")]

    http = CheckedHttp(allowed=read_allowed([f"hooks.example.org:{receiver.port}"]), resolver=rebinding)
    assert http.call(method="POST", url=f"http://hooks.example.org:{receiver.port}/", headers={}).status == 200
    assert (asked, receiver.got[0].headers["host"]) == (["hooks.example.org"], f"hooks.example.org:{receiver.port}")


def test_one_forbidden_address_among_several_is_enough(receiver: Receiver) -> None:
    http = CheckedHttp(allowed=read_allowed([]), resolver=lambda *_: [ip_address("1.1.1.1"), ip_address("10.0.0.1")])
    with pytest.raises(AddressRefused):
        http.call(method="POST", url="https://hooks.example.org/", headers={})


def test_the_environments_proxies_are_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.host}")
        post(receiver)
        assert (len(receiver.got), proxy.got) == (1, [])


def test_a_long_answer_is_cut(receiver: Receiver) -> None:
    receiver.answers = [(500, {}, b"x" * 10 * LARGEST_ANSWER)]
    assert post(receiver) == Answer(500, b"x" * LARGEST_ANSWER)


@pytest.mark.parametrize("drip", [b"HTTP/1.1 200 OK\r\nX-", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"])
def test_a_server_that_says_a_byte_now_and_then_does_not_hold_anybody(receiver: Receiver, drip: bytes) -> None:
    over = threading.Event()

    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(drip)
        try:
            while not over.wait(0.02):
                handler.wfile.write(b"1\r\nx\r\n" if drip.endswith(b"\r\n\r\n") else b"x")
        except OSError:
            return

    receiver.instead = speak
    with pytest.raises(NotReached, match=r"did not answer within 0\.3 seconds"):
        post(receiver, seconds=0.3)
    over.set()


def test_a_name_that_is_looked_up_for_ever_does_not_hold_anybody() -> None:
    over = threading.Event()

    def never(_host: str, _port: int) -> Sequence[Address]:
        over.wait(60)
        return []

    outgoing = CheckedHttp(allowed=read_allowed([]), seconds=0.3, resolver=never)
    with pytest.raises(NotReached, match=r"did not answer within 0\.3 seconds"):
        outgoing.call(method="GET", url="https://slow.example.org/", headers={})
    over.set()


def test_every_wait_gets_only_what_is_left() -> None:
    given: list[float | None] = []

    class Inner:
        def read(self, _most: int, timeout: float | None = None) -> bytes:
            given.append(timeout)
            return b""

    stream = TimedStream(Inner(), Deadline(5))  # type: ignore[arg-type]  # as much of one as is used
    stream.read(1, 100)
    assert given[0] is not None
    assert 0 < given[0] <= 5


def test_nobody_there_is_said_without_the_path_which_may_be_a_secret() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: refused
        host = f"127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(NotReached) as error:
            CheckedHttp(allowed=read_allowed([host])).call(method="POST", url=f"http://{host}/T0/secret", headers={})
    assert "secret" not in str(error.value)
    assert "could not be reached" in str(error.value)


def test_a_name_without_an_address_is_said() -> None:
    def nowhere(host: str, port: int) -> Sequence[Address]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(NotReached, match=r"There is no address of hooks\.example\.org"):
        CheckedHttp(allowed=read_allowed([]), resolver=nowhere).call(
            method="POST", url="https://hooks.example.org/", headers={}
        )


def test_a_certificate_of_another_is_not_accepted(receiver: Receiver) -> None:
    http = CheckedHttp(allowed=read_allowed([receiver.host]))
    with pytest.raises(NotReached, match="could not be reached"):
        http.call(method="POST", url=f"https://{receiver.host}/", headers={})
    assert receiver.got == []
