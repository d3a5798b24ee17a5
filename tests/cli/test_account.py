"""Signing in and out; where tokens go and where they never go."""

import json
import stat
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.null import Keyring as NoKeyring

from runbooks.cli.accounts import config_path
from tests.cli.conftest import Opsaas
from tests.cli.server import TOKEN, Refusal, Server


class Memory(KeyringBackend):
    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


def sign_in(opsaas: Opsaas, server: Server) -> None:
    done = opsaas("login", server.url, "--with-token", stdin=f"{TOKEN}\n".encode())
    assert done.code == 0, done.err
    assert "as runner" in done.err
    assert TOKEN not in done.err + done.text


@pytest.fixture
def memory() -> Memory:
    backend = Memory()
    keyring.set_keyring(backend)
    return backend


def test_without_a_keyring_the_token_lies_in_a_file_that_only_its_owner_may_read(
    opsaas: Opsaas, server: Server
) -> None:
    done = opsaas("login", server.url, "--with-token", stdin=TOKEN.encode())
    assert f"kept in {config_path()}" in done.err
    assert stat.S_IMODE(config_path().stat().st_mode) == 0o600
    assert opsaas("whoami").text == "runner\n", "the address of the last sign-in is used"
    assert json.loads(opsaas("whoami", "--json").out)["username"] == "runner"
    assert opsaas("logout").code == 0
    assert TOKEN not in config_path().read_text()
    assert opsaas("whoami", "--url", server.url).code == 4


def test_with_a_keyring_the_file_holds_no_token(opsaas: Opsaas, server: Server, memory: Memory) -> None:
    sign_in(opsaas, server)
    assert memory.kept == {("opsaas", server.url): TOKEN}
    assert TOKEN not in config_path().read_text()
    assert opsaas("whoami").text == "runner\n"
    opsaas("logout")
    assert memory.kept == {}


def test_a_token_is_sent_to_no_other_server(opsaas: Opsaas, server: Server) -> None:
    sign_in(opsaas, server)
    other = f"http://localhost:{server.server_port}"
    before = len(server.seen)
    assert opsaas("whoami", "--url", other).code == 4
    assert len(server.seen) == before


def test_a_refused_token_is_not_kept(opsaas: Opsaas, server: Server) -> None:
    done = opsaas("login", server.url, "--with-token", stdin=b"ops_wrong")
    assert done.code == 4
    assert "ops_wrong" not in done.err
    assert not config_path().exists()


@pytest.mark.parametrize("token", ["two words", "new\nline", "naïve", ""])
def test_what_is_no_token_is_refused_without_repeating_it(opsaas: Opsaas, server: Server, token: str) -> None:
    done = opsaas("login", server.url, "--with-token", stdin=token.encode())
    assert done.code in (1, 2)
    assert not token or token not in done.err
    assert server.seen == []


def test_nothing_is_asked_without_a_terminal(opsaas: Opsaas, server: Server) -> None:
    done = opsaas("login", server.url)
    assert done.code == 2
    assert "--with-token" in done.err
    assert opsaas("login").code == 2


def test_not_signed_in_is_4_and_says_how(opsaas: Opsaas, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSAAS_URL", server.url)
    done = opsaas("whoami")
    assert done.code == 4
    assert "opsaas login" in done.err
    monkeypatch.setenv("OPSAAS_TOKEN", "ops_expired")
    done = opsaas("whoami")
    assert done.code == 4
    assert "opsaas login" in done.err
    assert "ops_expired" not in done.err


def test_a_server_that_repeats_the_token_does_not_get_it_printed(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.refusals["GET", "/api/v1/me"] = Refusal(400, {"title": "Bad", "detail": f"Bearer {TOKEN} is odd"})
    done = opsaas("whoami")
    assert (done.code, done.err) == (1, "Bad: Bearer *** is odd\n")


@pytest.mark.parametrize(
    "url",
    [
        "http://ops.example.com",
        "ftp://localhost",
        "localhost:8000",
        "https://me:pw@host",
        "https://h/?a=b",
        "http://[::1",
        "",
    ],
)
def test_addresses_that_would_leak_or_mislead_are_refused(opsaas: Opsaas, signed_in: Server, url: str) -> None:
    assert opsaas("whoami", "--url", url).code == (2 if url else 0)


def test_plain_http_to_another_machine_needs_a_word(opsaas: Opsaas, signed_in: Server) -> None:
    done = opsaas("--insecure-http", "whoami", "--url", "http://opsaas.invalid")
    assert (done.code, "could not be reached" in done.err) == (1, True)


def test_a_broken_file_is_told_without_quoting_it(opsaas: Opsaas, server: Server) -> None:
    sign_in(opsaas, server)
    config_path().write_text(f'{{"url": "{TOKEN}')
    done = opsaas("whoami")
    assert done.code == 1
    assert TOKEN not in done.err


def test_a_null_keyring_counts_as_none(opsaas: Opsaas, server: Server) -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    sign_in(opsaas, server)
    assert TOKEN in config_path().read_text()


def test_redirects_are_not_followed(opsaas: Opsaas, signed_in: Server, tmp_path: Path) -> None:
    signed_in.refusals["GET", "/api/v1/me"] = Refusal(302, b"")
    assert opsaas("whoami").code == 1
    assert len(signed_in.seen) == 1
