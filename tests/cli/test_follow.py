"""`run --follow` and `runs follow`: the bytes, the exit codes, and connections that break."""

import json

import pytest

from tests.cli.conftest import Opsaas
from tests.cli.server import Refusal, Run, Server, pause

EVENTS = "/api/v1/runs/run-1/events"
LOG = "/api/v1/runs/run-1/log"


def chatty(run: Run) -> None:
    """Text, broken UTF-8, NUL, colours and a line without an end, in pieces that split a character."""
    run.become("running")
    run.step("main", "running")
    for piece in (
        b"one\n",
        "\N{SNOWMAN}".encode()[:1],
        "\N{SNOWMAN}".encode()[1:],
        b"\xff\x00\x1b[31mred\x1b[0m\x1b[2J\r",
        b"end",
    ):
        pause()
        run.write(piece)
    run.step("main", "succeeded", exit_code=0)
    run.become("succeeded", 0)


WHOLE = b"one\n\xe2\x98\x83\xff\x00\x1b[31mred\x1b[0m\x1b[2J\rend"


def test_a_pipe_gets_the_log_byte_by_byte(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.plot = chatty
    done = opsaas("run", "payments/drain-worker", "--follow")
    assert (done.code, done.out) == (0, WHOLE), done.err
    assert "step main running" in done.err
    assert "run run-1 succeeded after 3.5 s." in done.err


@pytest.mark.parametrize("length", [1, 30, 80, 200, 333, 450])
def test_a_cut_stream_resumes_without_gap_or_repeat(opsaas: Opsaas, signed_in: Server, length: int) -> None:
    signed_in.plot = chatty
    signed_in.cut_streams = [length, 7, length]
    done = opsaas("run", "payments/drain-worker", "--follow")
    assert (done.code, done.out) == (0, WHOLE), done.err
    resumed = [headers.get("Last-Event-ID", "") for headers, _ in signed_in.asked("GET", EVENTS)]
    assert len(resumed) >= 2
    assert resumed == sorted(resumed)
    # The first event is 108 bytes long: whoever saw it whole must not ask for it again.
    assert (resumed[1] != "") == (length >= 108)


def test_a_log_cut_in_the_middle_goes_on_where_it_stopped(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.plot = chatty
    signed_in.cut_logs = [2, 0, 1, 3, 1]
    done = opsaas("run", "payments/drain-worker", "--follow")
    assert (done.code, done.out) == (0, WHOLE), done.err
    assert "connection lost, resuming" in done.err
    asked = [
        int(headers["Range"].removeprefix("bytes=").removesuffix("-")) for headers, _ in signed_in.asked("GET", LOG)
    ]
    assert asked == sorted(asked)
    assert max(asked) >= len(WHOLE) - 3, "what was written is not fetched again"


def test_a_server_that_ignores_ranges_is_understood(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.plot = chatty
    signed_in.ignore_ranges = True
    assert opsaas("run", "payments/drain-worker", "--follow").out == WHOLE


def test_a_megabyte_arrives_whole(opsaas: Opsaas, signed_in: Server) -> None:
    line = b"x" * 79 + b"\n"

    def much(run: Run) -> None:
        run.become("running")
        for _ in range(20):
            run.write(line * 700)
        run.become("succeeded", 0)

    signed_in.plot = much
    assert opsaas("run", "payments/drain-worker", "--follow").out == line * 14_000


def test_a_run_without_output_is_fine(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.plot = lambda run: run.become("succeeded", 0)
    done = opsaas("run", "payments/drain-worker", "--follow")
    assert (done.code, done.out) == (0, b""), done.err


@pytest.mark.parametrize(
    ("status", "exit_code", "wanted"),
    [
        ("succeeded", 0, 0),
        ("failed", 37, 37),
        ("failed", 123, 123),
        ("failed", 124, 123),
        ("failed", 137, 123),
        ("failed", None, 125),
        ("failed", 0, 125),
        ("timed_out", 143, 124),
        ("lost", None, 125),
        ("cancelled", 143, 126),
        ("denied", None, 126),
        ("refused", None, 126),
        ("expired", None, 126),
    ],
)
def test_every_end_has_the_exit_code_of_the_contract(
    opsaas: Opsaas, signed_in: Server, status: str, exit_code: int | None, wanted: int
) -> None:
    signed_in.runs["run-1"] = run = Run("run-1")
    run.become(status, exit_code)
    assert opsaas("runs", "follow", "run-1").code == wanted
    signed_in.runs.clear()
    signed_in.plot = lambda started: started.become(status, exit_code)
    assert opsaas("run", "payments/drain-worker", "-f").code == wanted


def test_no_such_runbook_is_127(opsaas: Opsaas, signed_in: Server) -> None:
    assert opsaas("run", "payments/absent", "--follow").code == 127
    assert opsaas("runs", "follow", "nothing").code == 127
    assert opsaas("run", "payments/absent").code == 1


def test_not_allowed_is_126_and_lists_the_reasons(opsaas: Opsaas, signed_in: Server) -> None:
    problem = {
        "title": "You may not do this",
        "status": 403,
        "reasons": ["You hold no right “run” there.", "It is frozen."],
    }
    signed_in.refusals["POST", "/api/v1/runs"] = Refusal(403, problem)
    done = opsaas("run", "payments/drain-worker", "--follow")
    assert done.code == 126
    assert "  - You hold no right “run” there.\n  - It is frozen.\n" in done.err
    assert opsaas("run", "payments/drain-worker").code == 1


def test_a_bad_token_is_126_where_4_could_be_the_scripts(
    opsaas: Opsaas, signed_in: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSAAS_TOKEN", "ops_other")
    assert opsaas("run", "payments/drain-worker", "--follow").code == 126
    assert opsaas("runs", "follow", "run-1").code == 126
    monkeypatch.delenv("OPSAAS_TOKEN")
    assert opsaas("runs", "follow", "run-1").code == 126
    assert opsaas("run", "payments/drain-worker").code == 4


def test_a_server_that_stays_away_is_125_and_says_how_to_come_back(opsaas: Opsaas, signed_in: Server) -> None:
    def vanish(run: Run) -> None:
        run.become("running")
        signed_in.refusals["GET", EVENTS] = Refusal(503, b"<html>no</html>")
        signed_in.refusals["GET", "/api/v1/runs/run-1"] = Refusal(503, b"")
        signed_in.cut_streams = [1]

    signed_in.plot = vanish
    done = opsaas("run", "payments/drain-worker", "--follow", "--patience", "0.5")
    assert done.code == 125
    assert "opsaas runs follow run-1" in done.err


def test_a_server_that_comes_back_in_time_is_waited_for(opsaas: Opsaas, signed_in: Server) -> None:
    def hiccup(run: Run) -> None:
        run.become("running")
        signed_in.refusals["GET", EVENTS] = Refusal(503, b"")
        run.write(b"before\n")
        for _ in range(12):
            pause()
        run.write(b"after\n")
        del signed_in.refusals["GET", EVENTS]
        run.become("failed", 3)

    signed_in.plot = hiccup
    done = opsaas("run", "payments/drain-worker", "--follow")
    assert (done.code, done.out) == (3, b"before\nafter\n"), done.err


def test_nobody_at_the_address_is_125(opsaas: Opsaas, signed_in: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSAAS_URL", "http://127.0.0.1:9")
    done = opsaas("runs", "follow", "run-1")
    assert done.code == 125
    assert "could not be reached" in done.err


def test_output_that_one_may_not_see_still_gives_the_exit_code(opsaas: Opsaas, signed_in: Server) -> None:
    hidden = Refusal(403, {"title": "You may not do this", "reasons": ["You hold no right “see_output” there."]})
    signed_in.refusals["GET", LOG] = signed_in.refusals["GET", EVENTS] = hidden

    def fail(run: Run) -> None:
        run.become("running")
        run.write(b"secret\n")
        pause()
        run.become("failed", 9)

    signed_in.plot = fail
    done = opsaas("run", "payments/drain-worker", "--follow")
    assert (done.code, done.out) == (9, b""), done.err
    assert "see_output" in done.err


def test_incomplete_output_is_told(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.runs["run-1"] = run = Run("run-1", output_complete=False)
    run.become("succeeded", 0)
    assert "part of its output is missing" in opsaas("runs", "follow", "run-1").err


def test_follow_as_json_prints_only_the_run_as_it_ended(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.plot = chatty
    done = opsaas("run", "payments/drain-worker", "--follow", "--json")
    assert json.loads(done.out)["status"] == "succeeded"
    assert signed_in.asked("GET", LOG) == []


def test_rerun_can_be_followed(opsaas: Opsaas, signed_in: Server) -> None:
    signed_in.runs["run-1"] = Run("run-1", status="failed")
    done = opsaas("runs", "rerun", "run-1", "--follow")
    assert (done.code, done.out) == (0, b"hello\n"), done.err
