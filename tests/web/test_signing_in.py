"""The door: who gets in, what it tells strangers, and what it does not offer."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings
from django.contrib.auth import hashers
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from opsaas.urls import NOT_OFFERED
from runbooks.access.sessions import SEEN, SINCE
from runbooks.api.stream_entry import Opened, open_stream
from runbooks.models import AuditEvent
from runbooks.usecases.people.accounts import disable
from tests.world import PASSWORD, World

LOGIN = "/accounts/login/"
OFFERED = {
    "login/", "logout/", "inactive/", "reauthenticate/", "password/change/", "2fa/", "2fa/authenticate/",
    "2fa/reauthenticate/", "2fa/totp/activate/", "2fa/totp/deactivate/", "2fa/recovery-codes/",
    "2fa/recovery-codes/generate/", "2fa/recovery-codes/download/",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _fresh_limits(db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def _sign_in(client: Client, name: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post(LOGIN, {"login": name, "password": password, **more})


def _routes() -> Iterator[str]:
    """Addresses under /accounts/, as Django writes them."""
    waiting: list[tuple[str, URLPattern | URLResolver]] = [("", one) for one in get_resolver().url_patterns]
    while waiting:
        before, entry = waiting.pop()
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            waiting += [(route, one) for one in entry.url_patterns]
        elif route.startswith("accounts/"):
            yield route.removeprefix("accounts/")


def test_signing_in_and_out_and_a_second_factor_is_all_that_is_offered(db: None) -> None:
    there = set(_routes())
    closed = {route for route in there if re.match(NOT_OFFERED, route.removeprefix("^"))}
    assert there - closed == OFFERED


@pytest.mark.parametrize(
    "path",
    [
        "signup/",
        "email/",
        "confirm-email/",
        "confirm-email/abc/",
        "password/set/",
        "password/reset/",
        "password/reset/done/",
        "password/reset/key/1-abc/",
        "login/code/confirm/",
        "google/login/",
        "social/signup/",
    ],
)
def test_what_is_not_offered_is_not_there_for_strangers_nor_for_people(world: World, path: str) -> None:
    for client in (Client(), world.browser("runner")):
        for method in ("get", "post"):
            answer = getattr(client, method)(
                f"/accounts/{path}", {"username": "new", "email": "runner@example.org", "password1": PASSWORD}
            )
            assert answer.status_code == 404


def test_a_session_gets_a_new_key_at_sign_in_so_that_none_can_be_planted(world: World) -> None:
    client = Client()
    client.get(LOGIN)
    client.session["x"] = 1
    client.session.save()
    planted = client.cookies["opsaas_session"].value if "opsaas_session" in client.cookies else ""
    assert _sign_in(client, "runner").status_code == 302
    assert client.cookies["opsaas_session"].value != planted
    assert not Session.objects.filter(session_key=planted or "-").exists()


@pytest.mark.parametrize(
    "away",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "\thttps://evil.example",
    ],
)
def test_nobody_is_sent_away_after_signing_in_or_out(world: World, away: str) -> None:
    client = Client()
    assert _sign_in(client, "runner", next=away).headers["Location"] == "/"
    assert client.post("/accounts/logout/", {"next": away}).headers["Location"] == LOGIN
    assert AuditEvent.objects.filter(action="signout", actor_name="runner").count() == 1


def test_one_comes_back_to_the_page_one_asked_for(world: World) -> None:
    asked = Client().get("/runs?status=open")
    assert asked.headers["Location"] == f"{LOGIN}?next=/runs%3Fstatus%3Dopen"
    assert _sign_in(Client(), "runner", next="/runs?status=open").headers["Location"] == "/runs?status=open"


def test_a_stranger_does_not_learn_which_accounts_there_are(world: World) -> None:
    disable(actor=world.actor("admin"), account=world.user("author"), now=timezone.now())
    texts = set()
    for name in ("runner", "nobody", "robot", "author"):
        answer = _sign_in(Client(), name, "wrong password")
        assert answer.status_code == 200
        texts.add(answer.context["form"].errors.as_text())
    assert len(texts) == 1


def test_a_name_that_nobody_has_costs_as_much_hashing_as_one_that_somebody_has(world: World, monkeypatch: Any) -> None:
    calls: list[str] = []
    encode = hashers.MD5PasswordHasher.encode

    def counted(self: Any, password: str, salt: str) -> str:
        calls.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", counted)
    counts = []
    for name in ("runner", "nobody"):
        calls.clear()
        _sign_in(Client(), name, "wrong password")
        counts.append(len(calls))
    assert counts[0] == counts[1] == 1


def test_an_account_is_locked_for_a_while_after_five_failures_for_the_right_password_too(world: World) -> None:
    for _ in range(5):
        assert _sign_in(Client(), "runner", "wrong password").status_code == 200
    locked = _sign_in(Client(), "runner")
    assert locked.status_code in {200, 429}
    assert "opsaas_session" not in locked.cookies
    assert _sign_in(Client(), "owner").status_code == 302


def test_one_address_can_not_try_one_password_on_everybody(world: World) -> None:
    for number in range(10):
        _sign_in(Client(), f"guess-{number}", "wrong password")
    assert _sign_in(Client(), "runner").status_code != 302


def test_a_limit_is_not_passed_by_a_header_that_the_client_writes(world: World) -> None:
    for number in range(10):
        client = Client(headers={"X-Forwarded-For": f"192.0.2.{number}", "X-Real-IP": f"192.0.2.{number}"})
        _sign_in(client, f"guess-{number}", "wrong password")
    assert _sign_in(Client(headers={"X-Forwarded-For": "192.0.2.99"}), "runner").status_code != 302


def test_a_disabled_account_does_not_get_in_and_the_attempt_is_logged(world: World) -> None:
    disable(actor=world.actor("admin"), account=world.user("runner"), now=timezone.now())
    client = Client()
    _sign_in(client, "runner")
    assert client.get("/runs").status_code == 302
    event = AuditEvent.objects.get(action="signin.failed")
    assert (event.object_name, event.outcome) == ("runner", "denied")


def test_a_service_account_does_not_sign_in(world: World) -> None:
    for password in ("", "!", PASSWORD):
        assert _sign_in(Client(), "robot", password).status_code == 200


def test_a_session_of_a_disabled_person_ends_at_the_next_request_everywhere(world: World) -> None:
    browser = world.browser("runner")
    assert browser.get("/api/v1/me").status_code == 200
    person = world.user("runner")
    type(person).objects.filter(pk=person.pk).update(disabled_at=timezone.now())  # the session row is still there
    assert browser.get("/api/v1/me").status_code == 401
    assert browser.get("/runs").status_code == 302


def test_a_changed_password_ends_the_other_sessions_and_is_logged(world: World) -> None:
    here, elsewhere = Client(), Client()
    _sign_in(here, "runner")
    _sign_in(elsewhere, "runner")
    new = "another staple of horses"
    changed = here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert changed.status_code == 302
    assert here.get("/runs").status_code == 200
    assert elsewhere.get("/runs").status_code == 302
    event = AuditEvent.objects.get(action="user.password_changed")
    assert (event.actor_name, json.loads(bytes(event.body))["origin"]["ip"]) == ("runner", "127.0.0.1")
    assert new.encode() not in bytes(event.body)


def test_a_password_without_the_second_factor_is_no_sign_in_and_a_wrong_code_is_logged(world: World) -> None:
    secret = generate_totp_secret()
    TOTP.activate(world.user("runner"), secret)
    client = Client()
    assert _sign_in(client, "runner").headers["Location"].startswith("/accounts/2fa/authenticate/")
    assert client.get("/runs").status_code == 302
    assert client.get("/api/v1/me").status_code == 401
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert AuditEvent.objects.filter(action="signin.failed", object_name="runner").count() == 1
    assert not AuditEvent.objects.filter(action="signin.succeeded").exists()
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    assert client.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302
    assert client.get("/runs").status_code == 200
    assert AuditEvent.objects.filter(action="signin.succeeded", actor_name="runner").count() == 1


def test_a_session_speaks_to_the_api_only_with_its_csrf_token(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.user("admin"), backend="allauth.account.auth_backends.AuthenticationBackend")
    body: dict[str, Any] = {"data": '{"slug": "new", "title": "New"}', "content_type": "application/json"}
    refused = browser.post("/api/v1/projects", **body)
    assert refused.status_code == 403
    assert refused.headers["Content-Type"] == "application/problem+json"
    browser.get("/me")
    token = browser.cookies["opsaas_csrf"].value
    assert browser.post("/api/v1/projects", headers={"X-CSRFToken": token}, **body).status_code == 201


def test_a_page_takes_no_form_from_elsewhere(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.user("admin"), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.post("/admin/people/runner/switch", {"disabled": "yes"}).status_code == 403
    assert Client(enforce_csrf_checks=True).post(LOGIN, {"login": "runner", "password": PASSWORD}).status_code == 403


@pytest.mark.parametrize("path", ["/", LOGIN, "/livez", "/api/v1/me", "/api/v1/no/such", "/no/such", "/api/v1/docs"])
def test_every_answer_carries_the_policy(world: World, path: str) -> None:
    for client in (Client(), world.browser("runner")):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_the_sessions_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    client = Client()
    _sign_in(client, "runner")
    cookie = client.cookies["opsaas_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert client.cookies["opsaas_csrf"]["samesite"] == "Lax"


def test_the_docs_of_the_api_have_neither_inline_scripts_nor_remote_assets(world: World) -> None:
    text = world.browser("runner").get("/api/v1/docs").content.decode()
    assert "https://" not in text.replace("https://www.w3.org", "")
    assert "<style" not in text
    for part in text.split("<script")[1:]:
        assert part.partition(">")[2].partition("</script>")[0].strip() == ""


@pytest.mark.parametrize(
    ("since", "seen", "stays"), [(0, 0, True), (11, 3, True), (11, 5, False), (13, 0, False), (13, 13, False)]
)
def test_a_session_ends_some_hours_after_its_last_use_and_at_last_after_its_beginning(
    world: World, since: int, seen: int, stays: bool
) -> None:
    browser, now = world.browser("runner"), timezone.now().timestamp()
    assert browser.get("/").status_code == 200
    session = browser.session
    session.update({SINCE: now - since * 3600, SEEN: now - seen * 3600})
    session.save()
    assert (browser.get("/").status_code == 200) is stays
    assert (browser.get("/api/v1/me").status_code == 200) is stays
    cookie = f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b""}
    opened = open_stream({**scope, "headers": [(b"cookie", cookie.encode())]}, str(world.started().pk))
    assert isinstance(opened, Opened) is stays


def test_clicking_now_and_then_does_not_keep_a_session_for_ever(world: World) -> None:
    browser, now = world.browser("runner"), timezone.now().timestamp()
    session = browser.session
    session.update({SINCE: now - 11.9 * 3600, SEEN: now - 3600})
    session.save()
    assert browser.get("/").status_code == 200
    assert browser.session[SINCE] == now - 11.9 * 3600
    assert browser.session[SEEN] >= now
