"""What one may not see answers exactly as what does not exist, wherever one asks."""

from typing import Any

import pytest
from django.utils import timezone

from runbooks.api.stream_entry import Opened, still_allowed
from runbooks.domain.ports import Message, Outcome, OutcomeKind
from runbooks.models import AuditEvent, Delivery, Grant, Project, Runbook
from runbooks.usecases.notifications.announce_use import announce_uses
from runbooks.usecases.people.accounts import disable
from runbooks.usecases.versions.draft import draft
from tests.world import FakeExecutor, World, definition

SECRET, ABSENT = "treasury", "absent"


class QuietNotifier:
    def send(self, message: Message) -> None:
        return


@pytest.fixture
def hidden(world: World) -> Runbook:
    """A runbook with a run in a project that only the administrator knows of."""
    Project.objects.create(slug=SECRET, title="Treasury")
    world.give("admin", Project.objects.get(slug=SECRET), "edit", "review", "run")
    data = definition("mint", script="echo zyzzyva")
    data["metadata"] |= {"project": SECRET, "tags": ["zyzzyva"], "alerts": ["ZyzzyvaDown"]}
    version, _ = draft(actor=world.actor("admin"), project=SECRET, slug="mint", data=data, now=timezone.now())
    return version.runbook


def _seen(answer: Any) -> tuple[int, Any, set[str]]:
    """All that an outsider could tell two answers apart by."""
    body = answer.json()
    body.pop("request_id", None)
    return answer.status_code, body, {name for name in answer.headers if name != "X-Request-ID"}


@pytest.mark.parametrize("name", ["stranger", "owner"])
@pytest.mark.parametrize(
    "question",
    [
        ("GET", "/projects/{}", None),
        ("GET", "/runbooks/{}/mint", None),
        ("GET", "/runbooks/{}/mint/versions", None),
        ("GET", "/runbooks/{}/mint/versions/1", None),
        ("GET", "/runbooks/{}/mint/versions/1/diff/1", None),
        ("PUT", "/runbooks/{}/mint/draft", {"anything": 1}),
        ("POST", "/runbooks/{}/mint/versions/1/submit", {}),
        ("POST", "/runbooks/{}/mint/versions/1/review", {"verdict": "approve", "hash": "x"}),
        ("POST", "/runbooks/{}/mint/versions/1/publish", {}),
        ("POST", "/runbooks/{}/mint/versions/1/withdraw", {}),
        ("POST", "/runs", {"runbook": "{}/mint"}),
        ("POST", "/runs", {"runbook": "{}/mint", "version": 1, "dry_run": True}),
        ("POST", "/authz/check", {"action": "run", "object": "runbook:{}/mint"}),
        ("POST", "/authz/check", {"action": "run", "object": "project:{}", "as": "runner"}),
        ("POST", "/grants", {"principal": "user:runner", "object": "project:{}", "rights": ["run"]}),
        ("GET", "/runs?runbook={}/mint", None),
        ("GET", "/runs?runbook={}", None),
        ("GET", "/runbooks?project={}", None),
    ],
)
def test_a_hidden_place_answers_as_an_absent_one(
    world: World, hidden: Runbook, name: str, question: tuple[str, str, dict[str, Any] | None]
) -> None:
    call = world.client(name)
    method, path, body = question

    def ask(project: str) -> tuple[int, Any, set[str]]:
        said = body and {key: value.format(project) if isinstance(value, str) else value for key, value in body.items()}
        return _seen(call(method, path.format(project), said))

    assert ask(SECRET) == ask(ABSENT)


@pytest.mark.parametrize("filter_", ["q=zyzzyva", "tag=zyzzyva", "alert=ZyzzyvaDown", "q=mint", "q=treasury", ""])
def test_no_search_or_list_counts_what_is_hidden(world: World, hidden: Runbook, filter_: str) -> None:
    found = world.client("owner")("GET", f"/runbooks?limit=1&{filter_}").json()
    assert found == {"results": [], "next": None}
    assert len(world.client("admin")("GET", f"/runbooks?{filter_}").json()["results"]) == 1


def test_things_named_by_id_are_as_absent_as_ids_of_nothing(world: World, hidden: Runbook) -> None:
    run, grant = world.started(), Grant.objects.get(user__username="runner")
    world.token("runner")
    call = world.client("stranger")
    nothing = "01a1fe28-f506-7072-84ed-407651982bf1"
    token = world.user("runner").tokens.get().pk
    for kind, pk in [("runs", run.pk), ("grants", grant.pk), ("tokens", token)]:
        for method, tail in [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/rerun"), ("GET", "/log")]:
            seen, absent = (_seen(call(method, f"/{kind}/{one}{tail}", {})) for one in (pk, nothing))
            assert seen == absent


def test_who_may_not_grant_does_not_learn_which_accounts_there_are(world: World) -> None:
    runbook = world.published()
    for name in ("runner", "author"):
        answers = [
            _seen(
                world.client(name)(
                    "POST", "/grants", {"principal": who, "object": f"runbook:{runbook.path}", "rights": ["run"]}
                )
            )
            for who in ("user:admin", "user:nobody", "group:nobody", "nonsense")
        ]
        assert [status for status, _, _ in answers] == [403] * 4
        assert all(answer == answers[0] for answer in answers)
        checks = [
            _seen(
                world.client(name)("POST", "/authz/check", {"action": "run", "object": "project:payments", "as": who})
            )
            for who in ("admin", "nobody")
        ]
        assert checks[0] == checks[1]
        accounts = [_seen(world.client(name)("GET", f"/users/{who}")) for who in ("admin", "nobody")]
        assert accounts[0] == accounts[1]


def test_an_idempotency_key_is_its_persons_own(world: World) -> None:
    runbook = world.published()
    body = {"runbook": runbook.path}
    with_key: dict[str, Any] = {"headers": {"Idempotency-Key": "monday"}}
    mine = world.client("runner")("POST", "/runs", body, **with_key)
    theirs = world.client("owner")("POST", "/runs", body, **with_key)
    assert mine.json()["id"] != theirs.json()["id"]
    assert world.client("runner")("POST", "/runs", body, **with_key).json()["id"] == mine.json()["id"]
    assert world.client("stranger")("POST", "/runs", body, **with_key).status_code == 404
    assert world.client("runner")("POST", "/runs", {**body, "reason": "other"}, **with_key).status_code == 409
    assert runbook.runs.count() == 2


def test_a_call_that_failed_leaves_its_key_free(world: World) -> None:
    runbook = world.published()
    call = world.client("runner")
    key: dict[str, Any] = {"headers": {"Idempotency-Key": "tuesday"}}
    assert call("POST", "/runs", {"runbook": runbook.path, "parameters": {"no": 1}}, **key).status_code == 400
    assert call("POST", "/runs", {"runbook": runbook.path}, **key).status_code == 202


def test_what_a_script_left_is_withheld_from_who_may_not_read_its_output(world: World) -> None:
    ended = Outcome(kind=OutcomeKind.EXITED, exit_code=0, outputs={"password": "zyzzyva"}, summary="zyzzyva")
    run = world.executed(world.started(), FakeExecutor(outcome=ended))
    for name, reads in [("author", False), ("admin", False), ("runner", True), ("auditor", True)]:
        call = world.client(name)
        for path in (f"/runs/{run.pk}", "/runs", f"/runs/{run.pk}/steps"):
            answer = call("GET", path)
            assert answer.status_code == 200
            assert (name, path, b"zyzzyva" in answer.content) == (name, path, reads)
    limited = world.client("runner", scopes=["view"])
    assert b"zyzzyva" not in limited("GET", f"/runs/{run.pk}").content


def test_a_denied_draft_of_something_hidden_is_logged_with_its_id(world: World, hidden: Runbook) -> None:
    world.client("owner")("PUT", f"/runbooks/{SECRET}/mint/draft", {"anything": 1})
    event = AuditEvent.objects.get(action="version.drafted", outcome="denied")
    assert event.object_id == str(hidden.pk)


def test_a_stream_ends_for_a_service_account_whose_owner_is_disabled_meanwhile(world: World) -> None:
    run = world.started()
    world.give("robot", world.project, "see_output")
    opened = Opened(
        run_id=str(run.pk), runbook=run.runbook, actor=world.actor("robot", by="token"), after=0, sees_output=True
    )
    assert still_allowed(opened)
    disable(actor=world.actor("admin"), account=world.user("author"), now=timezone.now())
    assert not still_allowed(opened)


def test_owners_who_may_not_read_output_get_none_by_mail(world: World) -> None:
    world.executed(world.started(), FakeExecutor(output=b"zyzzyva\n"))
    world.give("stranger", world.project, "review", "grant")
    announce_uses(now=timezone.now())
    texts = dict(Delivery.objects.values_list("recipient__username", "text"))
    assert {name: "zyzzyva" in text for name, text in texts.items()} == {
        "owner": True, "owner2": True, "stranger": False
    }  # fmt: skip
