"""Secret parameters: given at the click, sealed for the run, gone with it, and never told by anything."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from runbooks.domain.ports import Executor, NoSecret
from runbooks.domain.problems import Invalid
from runbooks.execution.local import LocalExecutor
from runbooks.models import AuditEvent, IdempotencyKey, Run, Runbook, RunSecret
from runbooks.usecases.installation.tidy import tidy
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.rerun import rerun
from runbooks.usecases.secrets.read import StoredSecrets
from tests.usecases.test_secrets import everything_stored
from tests.world import World

VALUE = "Tr0ub4dor&3-horse"
PARAMETERS = [{"name": "password", "type": "secret"}, {"name": "host", "type": "string", "default": "db1"}]
SCRIPT = """
echo "with $OPSAAS_PARAM_PASSWORD at $OPSAAS_PARAM_HOST"
cat "$OPSAAS_PARAMS_FILE"
test "$OPSAAS_PARAM_PASSWORD" = 'Tr0ub''4dor&3-horse'
"""
GIVEN = {"password": VALUE}


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[Executor]:
    with LocalExecutor(base_folder=tmp_path / "work") as made:
        yield made


def book(world: World) -> Runbook:
    return world.published(script=SCRIPT, parameters=PARAMETERS)


def test_the_script_gets_it_and_nothing_else_ever_does(world: World, executor: Executor) -> None:
    run = world.started(book(world), GIVEN)
    assert RunSecret.objects.count() == 1
    before = everything_stored()
    run = world.executed(run, executor)
    log = b"".join(bytes(chunk.data) for chunk in run.chunks.order_by("seq"))
    assert (run.status, log) == ("succeeded", b'with *** at db1\n{"host": "db1", "password": "***"}')
    assert RunSecret.objects.count() == 0
    for stored in (before, everything_stored()):
        assert VALUE.encode() not in stored
        assert b"Tr0ub4dor" not in stored


def test_plan_and_log_name_an_envelope_and_not_a_value(world: World) -> None:
    runbook = book(world)
    first, second = (world.started(runbook, GIVEN) for _ in range(2))
    plans = [json.loads(bytes(run.plan)) for run in (first, second)]
    assert plans[0]["values"] == first.parameters == {"host": "db1"}
    assert plans[0]["secrets"]["params.password"].startswith("sealed:")
    assert plans[0]["secrets"] != plans[1]["secrets"]
    assert b"Tr0ub4dor" not in b"".join(bytes(event.body) for event in AuditEvent.objects.all())


@pytest.mark.parametrize("end", ["cancelled", "expired", "by hand"])
def test_it_is_destroyed_with_the_end_of_a_run_that_never_started(world: World, end: str) -> None:
    run = world.started(book(world), GIVEN)
    if end == "cancelled":
        cancel(actor=world.actor("runner"), run=run, now=timezone.now())
    elif end == "expired":
        Run.objects.filter(pk=run.pk).update(expires_at=timezone.now())
        world.executed(run)
    else:
        with connection.cursor() as cursor:
            key = run._meta.pk.get_db_prep_value(run.pk, connection)
            cursor.execute("UPDATE runbooks_run SET status = 'refused' WHERE id = %s", [key])
    assert RunSecret.objects.count() == 0


def test_what_a_backup_brought_back_is_swept(world: World) -> None:
    run = world.started(book(world), GIVEN)
    row = RunSecret.objects.get()
    cancel(actor=world.actor("runner"), run=run, now=timezone.now())
    row.save(force_insert=True)
    tidy(now=timezone.now())
    assert RunSecret.objects.count() == 0


def test_another_value_in_its_place_is_noticed(world: World, executor: Executor) -> None:
    runbook = book(world)
    run, other = world.started(runbook, GIVEN), world.started(runbook, {"password": "evil-value"})
    RunSecret.objects.filter(run=run).delete()
    moved = RunSecret.objects.get(run=other)
    moved.pk, moved.run = None, run
    RunSecret(
        run=run, parameter="password", key_id=moved.key_id, wrapped_key=moved.wrapped_key, content=moved.content
    ).save()
    run = world.executed(run, executor)
    assert run.status == "failed"
    assert "or is another" in run.step_runs.get().detail
    with pytest.raises(NoSecret):
        StoredSecrets().given(str(run.pk), {"password": "sealed:none"})


def test_a_rerun_asks_again(world: World) -> None:
    run = world.executed(world.started(book(world), GIVEN))
    asked: dict[str, Any] = {"actor": world.actor("runner"), "run": run, "same_version": False, "now": timezone.now()}
    with pytest.raises(Invalid, match="/parameters/password: A value is needed"):
        rerun(**asked)
    assert rerun(**asked, secrets=GIVEN).status == "queued"
    with pytest.raises(Invalid, match="only secret ones"):
        rerun(**asked, secrets={"host": "db2"})
    path = f"/runs/{run.pk}/rerun"
    assert world.client("runner")("POST", path, {}).status_code == 400
    assert world.client("runner")("POST", path, {"parameters": GIVEN}).status_code == 202


def test_the_api_takes_it_and_never_gives_it_back(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    runbook = book(world)
    api = world.client("owner")
    body = {"runbook": runbook.path, "parameters": GIVEN}
    head = {"HTTP_IDEMPOTENCY_KEY": "once"}
    answers = [api("POST", "/runs", body, **head), api("POST", "/runs", body, **head)]
    assert [answer.status_code for answer in answers] == [202, 202]
    answers += [api("POST", "/runs", {**body, "dry_run": True}), api("POST", "/runs", {**body, "nonsense": 1})]
    answers += [api("POST", "/runs", {**body, "parameters": {"password": [VALUE]}})]
    answers += [api("POST", "/runs", {**body, "parameters": {"password": VALUE + "\0"}})]
    answers += [api("GET", path) for path in ("/runs", f"/runs/{answers[0].json()['id']}")]
    for answer in answers:
        assert "Tr0ub4dor" not in answer.content.decode()
    assert IdempotencyKey.objects.count() == 1
    assert b"Tr0ub4dor" not in everything_stored()
    assert "Tr0ub4dor" not in caplog.text


def test_the_form_neither_offers_nor_repeats_nor_takes_it_from_a_link(world: World) -> None:
    runbook = world.published(script="true", parameters=[{**PARAMETERS[0], "confirm": True}, PARAMETERS[1]])
    browser, path = world.browser("runner"), f"/runbooks/{runbook.path}/run"
    field = browser.get(f"{path}?p-password={VALUE}").content.decode()
    assert 'type="password"' in field
    assert VALUE.replace("&", "&amp;") not in field.replace(f"?p-password={VALUE}", "")
    wrong = browser.post(path, {"p-password": VALUE, "again-password": VALUE + "x"})
    assert wrong.status_code == 400
    assert "Tr0ub4dor" not in wrong.content.decode()
    assert "Tr0ub4dor" not in browser.post(f"{path}/preview", {"p-password": VALUE}).content.decode()
    done = browser.post(path, {"p-password": VALUE, "again-password": VALUE, "key": "k"})
    assert done.status_code == 302
    assert "Tr0ub4dor" not in browser.get(done["Location"]).content.decode()
    run = Run.objects.get()
    assert "Tr0ub4dor" not in browser.get(f"{path}?from={run.pk}").content.decode()
    assert b"Tr0ub4dor" not in everything_stored()


@pytest.mark.parametrize("value", ["abc", 7, "a\nb" * 30_000, "not-of-the-pattern"])
def test_a_value_that_is_refused_is_not_repeated(world: World, value: object) -> None:
    runbook = world.published(parameters=[{**PARAMETERS[0], "pattern": "[0-9]{8}"}])
    with pytest.raises(Invalid) as refusal:
        world.started(runbook, {"password": value})
    assert str(value) not in str(refusal.value)
