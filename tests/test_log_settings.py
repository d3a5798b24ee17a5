"""What names keys and places of the log is read strictly: nonsense stops the start, and no key is in the message."""

from functools import partial
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from opsaas import env
from runbooks.domain.signed_notes import COSIGNATURE, new_signing_key, read_signing_key

NAME = "OPSAAS_AUDIT_KEYS"
KEYS = partial(env.signing_keys, NAME, fallback=None, origin="log.example.org/audit")
ONE, OTHER = new_signing_key("log.example.org/audit"), new_signing_key("log.example.org/audit")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(f"{NAME}_FILE", raising=False)


def test_without_a_key_there_is_none_and_the_first_start_of_an_embedded_one_makes_it(tmp_path: Path) -> None:
    assert KEYS() == ()
    path = tmp_path / "audit-keys"
    (made,) = env.signing_keys(NAME, fallback=path, origin="127.0.0.1:8000/audit")
    assert made.name == "127.0.0.1:8000/audit"
    assert path.stat().st_mode & 0o777 == 0o600
    assert env.signing_keys(NAME, fallback=path, origin="another") == (made,)


def test_several_keys_come_from_a_file_the_current_one_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{ONE}\n{OTHER}\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "keys"))
    assert KEYS() == (read_signing_key(ONE), read_signing_key(OTHER))


@pytest.mark.parametrize(
    "value",
    ["nonsense", f"{ONE[:-6]}AAAAA=", f"{ONE} {new_signing_key('another')}"],
    ids=["nonsense", "with another end", "of two names"],  # keys are made anew by each process of tests
)
def test_what_is_no_key_stops_the_start_without_being_repeated(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=NAME) as caught:
        KEYS()
    assert ONE.rpartition("+")[2][:20] not in str(caught.value)


def test_a_witness_is_named_by_a_key_that_cosigns(monkeypatch: pytest.MonkeyPatch) -> None:
    key = read_signing_key(ONE)
    monkeypatch.setenv("OPSAAS_AUDIT_WITNESSES", f"{key.public(COSIGNATURE)}")
    assert env.public_keys("OPSAAS_AUDIT_WITNESSES") == (key.public(COSIGNATURE),)
    for wrong in (str(key.public()), "nonsense"):
        monkeypatch.setenv("OPSAAS_AUDIT_WITNESSES", wrong)
        with pytest.raises(ImproperlyConfigured, match="OPSAAS_AUDIT_WITNESSES"):
            env.public_keys("OPSAAS_AUDIT_WITNESSES")


def test_a_place_outside_that_makes_no_sense_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSAAS_AUDIT_PUSH", "file:/srv/kept.jsonl syslog+tcp://logs.example.org")
    assert [place.port for place in env.places("OPSAAS_AUDIT_PUSH")] == [0, 601]
    monkeypatch.setenv("OPSAAS_AUDIT_PUSH", "https://me:hunter2@example.org/")
    with pytest.raises(ImproperlyConfigured, match="no name or password") as caught:
        env.places("OPSAAS_AUDIT_PUSH")
    assert "hunter2" not in str(caught.value)
