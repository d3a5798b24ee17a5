"""Everything that asks once and prints the answer."""

import json

import pytest

from runbooks.cli.lazy import COMMANDS
from tests.cli.conftest import Opsaas
from tests.cli.server import Refusal, Run, Server


@pytest.fixture
def two_runs(signed_in: Server) -> Server:
    signed_in.runs = {
        "run-1": Run("run-1", {"parameters": {"env": "staging"}, "reason": "because"}),
        "run-2": Run("run-2"),
    }
    signed_in.runs["run-1"].write(b"one\x1b[2J\n\xff")
    signed_in.runs["run-1"].become("failed", 7)
    return signed_in


def test_run_prints_the_id_and_sends_typed_values(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.parameters = [{"name": "count", "type": "integer"}, {"name": "go", "type": "boolean"}]
    words = [
        "-p",
        "count=3",
        "-p",
        "go=yes",
        "-p",
        "more=4",
        "--param-json",
        "list=[1]",
        "--reason",
        "r",
        "--version",
        "2",
    ]
    done = opsaas("run", "payments/drain-worker", *words, "--idempotency-key", "k1")
    assert (done.code, done.text) == (0, "run-1\n"), done.err
    headers, body = signed_in.asked("POST", "/api/v1/runs")[0]
    assert json.loads(body) == {
        "runbook": "payments/drain-worker",
        "parameters": {"count": 3, "go": True, "more": "4", "list": [1]},
        "reason": "r",
        "version": 2,
    }
    assert headers["Idempotency-Key"] == "k1"
    assert "runs follow run-1" in done.err
    assert json.loads(opsaas("run", "payments/drain-worker", "--json").out)["id"] == "run-2"


def test_an_answer_that_got_lost_starts_nothing_twice(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.cut_answers = 2
    done = opsaas("run", "payments/drain-worker")
    assert (done.code, done.text) == (0, "run-1\n"), done.err
    assert len(signed_in.asked("POST", "/api/v1/runs")) == 3
    assert len(signed_in.runs) == 1


def test_values_the_server_refuses_are_shown_one_by_one(opsaas: Opsaas, signed_in: Server) -> None:
    errors = [
        {"pointer": "/parameters/env", "code": "required", "detail": "This is needed."},
        {"pointer": "/parameters/n", "code": "too_large", "detail": "At most 5."},
    ]
    problem = {"title": "The request is not valid", "detail": "This is needed. At most 5.", "errors": errors}
    signed_in.refusals["POST", "/api/v1/runs"] = Refusal(400, problem)
    done = opsaas("run", "payments/drain-worker")
    assert done.code == 1
    told = "The request is not valid\n  /parameters/env: This is needed.\n  /parameters/n: At most 5.\n"
    assert done.err == told, "once, not once more in the detail"
    assert opsaas("run", "payments/drain-worker", "--follow").code == 125


def test_a_dry_run_shows_the_plan(opsaas: Opsaas, signed_in: Server) -> None:
    assert opsaas("run", "payments/drain-worker", "--dry-run").code == 0
    assert json.loads(signed_in.asked("POST", "/api/v1/runs")[0][1])["dry_run"] is True
    assert opsaas("run", "payments/drain-worker", "--dry-run", "--follow").code == 2


def test_runs_are_listed_viewed_and_read(opsaas: Opsaas, two_runs: Server) -> None:
    lines = opsaas("runs", "list").text.splitlines()
    assert lines[0].split("\t")[:4] == ["run-1", "payments/drain-worker", "failed", "runner"]
    assert len(json.loads(opsaas("runs", "list", "--json").out)) == 2
    view = opsaas("runs", "view", "run-1").text
    assert "exit code:   7" in view
    assert "env=staging" in view
    assert json.loads(opsaas("runs", "view", "run-1", "--json").out)["steps"][0]["exit_code"] == 7
    assert opsaas("runs", "logs", "run-1").out == b"one\x1b[2J\n\xff"
    assert opsaas("runs", "logs", "nothing").code == 1


def test_a_search_keeps_whole_lines(opsaas: Opsaas, two_runs: Server) -> None:
    two_runs.runs["run-2"].write("one a\ntwo b\u2028 a\nthree\n".encode())
    assert opsaas("runs", "logs", "run-2", "--search", "a").out == "one a\ntwo b\u2028 a\n".encode()
    lines = opsaas("runs", "logs", "run-2", "--search", "three", "--json").text.splitlines()
    assert [json.loads(line)["line"] for line in lines] == [3]


def test_cancel_tells_what_became_of_the_run(opsaas: Opsaas, two_runs: Server) -> None:
    done = opsaas("runs", "cancel", "run-2", "--json")
    assert (done.code, json.loads(done.out)["status"]) == (0, "cancelled")
    assert two_runs.asked("POST", "/api/v1/runs/run-2/cancel")[0][1] == b"{}"


@pytest.mark.parametrize("again", ["rerun", "resume"])
def test_rerun_and_resume_print_the_new_id(opsaas: Opsaas, two_runs: Server, again: str) -> None:
    assert opsaas("runs", again, "run-1").text == "run-3\n"


def test_names_from_the_server_stay_on_their_line_and_in_their_column(opsaas: Opsaas, signed_in: Server) -> None:
    assert opsaas("runbook", "list").text == "payments/drain-worker\tDrain and restart\n"
    assert opsaas("runbook", "search", "queue", "stuck").code == 0
    assert signed_in.seen[-1][1] == "/api/v1/runbooks"


def test_a_runbook_shows_its_document_and_parameters(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.parameters = [{"name": "env", "type": "choice", "choices": ["a", "b"], "required": True}]
    text = opsaas("runbook", "view", "payments/drain-worker").text
    assert "## Meaning" in text
    assert "env\tchoice\tyes\t\ta, b\t" in text
    assert "opsaas run payments/drain-worker -p env=… --follow" in text


def test_long_lists_are_fetched_page_by_page(opsaas: Opsaas, signed_in: Server) -> None:
    done = opsaas("audit", "search", "--limit", "440", "--json", "--actor", "runner")
    assert [event["seq"] for event in json.loads(done.out)] == list(range(440))
    assert "There are more than 440" in done.err
    assert len(opsaas("audit", "search", "--limit", "1000").text.splitlines()) == 450


def test_can_i_answers_with_its_exit_code_and_the_reasons(opsaas: Opsaas, signed_in: Server) -> None:
    done = opsaas("can-i", "run", "payments/drain-worker")
    assert (done.code, done.text.splitlines()[0]) == (0, "yes")
    assert json.loads(signed_in.seen[-1][3]) == {"action": "run", "object": "runbook:payments/drain-worker"}
    signed_in.allowed = False
    done = opsaas("can-i", "view", "project:payments", "--as", "user:author")
    assert (done.code, done.text) == (1, "no\n  - You hold no right “run” there.\n")
    assert json.loads(signed_in.seen[-1][3]) == {"action": "view", "object": "project:payments", "as": "user:author"}


def test_api_sends_anything_but_never_to_another_server(opsaas: Opsaas, signed_in: Server) -> None:
    assert json.loads(opsaas("api", "get", "me").out)["username"] == "runner"
    assert opsaas("api", "GET", "/schemas/runbook/v1.json").code == 0
    opsaas("api", "POST", "authz/check", "-f", "action=run", "-f", "object=installation")
    assert json.loads(signed_in.seen[-1][3]) == {"action": "run", "object": "installation"}
    opsaas("api", "POST", "authz/check", "--input", "-", stdin=b'{"action": "view"}')
    assert signed_in.seen[-1][3] == b'{"action": "view"}'
    assert opsaas("api", "GET", "nothing").code == 1
    for path in ("https://evil.example/x", "//evil.example/x"):
        assert opsaas("api", "GET", path).code == 2
    assert opsaas("api", "BREW", "me").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["who-can", "run", "a/b"],
        ["token"],
    ],
)
def test_what_comes_later_says_so(opsaas: Opsaas, signed_in: Server, words: list[str]) -> None:
    done = opsaas(*words)
    assert done.code == 2
    assert "is not available in this version" in done.err


@pytest.mark.parametrize(
    "words", [["nonsense"], ["run"], ["run", "no-slash"], ["run", "a/b", "--nonsense"], ["runs", "view"]]
)
def test_what_cannot_be_meant_is_2(opsaas: Opsaas, signed_in: Server, words: list[str]) -> None:
    assert opsaas(*words).code == 2


def test_every_command_has_help_and_knows_the_shared_options(opsaas: Opsaas) -> None:
    assert all(name in opsaas("--help").text for name in COMMANDS)
    for name in COMMANDS:
        text = opsaas(name, "--help").text
        assert "Usage: opsaas" in text
        assert "--insecure-http" in text or "Commands:" in text, name


def test_completion_speaks_three_shells(opsaas: Opsaas) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_OPSAAS_COMPLETE" in opsaas("completion", shell).text
    assert opsaas("completion", "tcsh").code == 2


def test_a_server_that_is_no_opsaas_is_told(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.refusals["GET", "/api/v1/me"] = Refusal(200, b"<html>router</html>")
    assert "Is it an opsaas?" in opsaas("whoami").err
    signed_in.refusals["GET", "/api/v1/me"] = Refusal(502, b"<html>bad gateway</html>")
    done = opsaas("whoami")
    assert (done.code, "answered 502" in done.err, "<html>" in done.err) == (1, True, False)
