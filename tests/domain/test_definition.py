import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from runbooks.domain.definition import Definition, Risk, Step, accepted_definition, parse_definition
from runbooks.domain.parameters import Parameter, ParameterType
from runbooks.domain.problems import Invalid
from runbooks.domain.schema.whole import MAX_TEXT, RUNBOOK_SCHEMA
from runbooks.domain.syntax.yaml_text import read_yaml
from tests.domain.examples import (
    DRAIN_WORKER,
    DRAIN_WORKER_WHOLE,
    smallest,
    with_field,
    with_parameter,
    with_step,
)


def pause(**fields: object) -> dict[str, Any]:
    return with_step(script=None, interpreter=None, **fields)


def refused(data: object) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        parse_definition(data)
    return [(problem.pointer, problem.code) for problem in caught.value.problems]


def test_the_example_of_the_contract_is_read() -> None:
    assert parse_definition(read_yaml(DRAIN_WORKER.encode())) == Definition(
        project="payments",
        slug="drain-worker",
        title="Drain and restart a payments worker",
        tags=("queue", "restart"),
        alerts=("PaymentsQueueStuck",),
        doc="## Meaning\nA consumer stopped committing offsets.\n",
        risk=Risk.HIGH,
        parameters=(
            Parameter("env", ParameterType.CHOICE, False, "staging", choices=("staging", "production")),
            Parameter("host", ParameterType.STRING, pattern="[a-z0-9.-]+", confirm=True, help="The worker to drain."),
            Parameter("note", ParameterType.STRING, required=False, pattern="[A-Za-z0-9 ._-]{0,80}"),
        ),
        steps=(
            Step("drain", "echo draining", "drain.sh", ("bash", "-euo", "pipefail"), 300),
            Step(
                "restart",
                'import os; print("restarting", os.environ["OPSAAS_PARAM_HOST"])\n',
                "main",
                ("python3",),
                600,
                title="Start it again",
            ),
            Step("verify", "#!/bin/sh\necho fine\n", "main", None, 5400),
        ),
    )


def test_what_was_accepted_is_read_again_without_its_checks() -> None:
    tree = read_yaml(DRAIN_WORKER.encode())
    assert isinstance(tree, dict)
    assert accepted_definition(tree) == parse_definition(tree)
    tree["spec"]["steps"][0]["timeout"] = "48h"
    assert accepted_definition(tree).steps[0].timeout_seconds == 48 * 3600


def test_the_example_of_the_contract_lacks_nothing_but_the_file_that_a_client_puts_in() -> None:
    assert refused(read_yaml(DRAIN_WORKER_WHOLE.encode())) == [("/spec/steps/0/script/file", "file_not_sent")]


GOOD = [
    with_field("/spec/notify", []),
    with_field("/spec/notify", [{"to": "owners", "on": ["started", "failed"]}]),
    with_field("/spec/notify", [{"to": to, "on": ["finished"]} for to in ("user:a.b", "group:sre", "endpoint:chat")]),
    smallest(),
    read_yaml(DRAIN_WORKER.encode()),
    with_field("/doc", ""),
    with_field("/doc", "é" * (MAX_TEXT // 2)),
    with_field("/metadata/slug", "0"),
    with_field("/metadata/slug", "a" * 64),
    with_field("/metadata/tags", []),
    with_field("/metadata/alerts", ["KubePodCrashLooping", "Disk full (db)"]),
    with_field("/spec/parameters", []),
    with_field("/spec/risk", "low"),
    with_parameter(name="n", type="integer", min=1, max=5, default=2),
    with_parameter(name="n", type="integer", min=-1.0, max=-1, default=-1.0),
    with_parameter(name="n", type="number", min=0.5, default=0.5),
    with_parameter(name="b", type="boolean", default=False, confirm=True),
    with_parameter(name="t", type="text", default="two\nlines", pattern=r"(?s).*"),
    with_parameter(name="s", type="string", default="", pattern="a*", help=""),
    with_parameter(name="c", type="choice", choices=["1", "on"], required=True),
    with_step(script={"name": "fix.mjs", "text": "process.exit(0)"}),
    with_step(interpreter=["env", "-S", "python3", "{script}", "--flag"]),
    with_step(script="#!/bin/sh\r\necho"),
    with_step(interpreter=None, script="#! /usr/bin/env python3"),
    with_step(interpreter=None, script="#!/bin/sh -e\necho '\r'"),
    with_step(script="x" * MAX_TEXT),
    with_step(timeout="1s"),
    with_step(timeout="24h"),
    with_step(timeout="23h59m60s"),
    with_step(title="Look", hint="**Wait** for it.\nThen go."),
    with_field("/spec/steps", [{"id": f"s{n}", "interpreter": ["sh"], "script": "true"} for n in range(50)]),
]


@pytest.mark.parametrize("data", GOOD, ids=lambda data: json.dumps(data["spec"])[:80])
def test_good_definitions_are_taken_here_and_by_any_json_schema_validator(data: Any) -> None:
    Draft202012Validator(RUNBOOK_SCHEMA).validate(data)
    assert parse_definition(data).project == "payments"


BAD: list[tuple[object, list[tuple[str, str]]]] = [
    (None, [("", "wrong_type")]),
    ([], [("", "wrong_type")]),
    ("apiVersion: opsaas/v1", [("", "wrong_type")]),
    ({}, [("/apiVersion", "required"), ("/kind", "required"), ("/metadata", "required"), ("/spec", "required")]),
    (with_field("/apiVersion", "opsaas/v2"), [("/apiVersion", "not_a_choice")]),
    (with_field("/kind", "runbook"), [("/kind", "not_a_choice")]),
    (with_field("/status", {}), [("/status", "unknown_field")]),
    (with_field("/a~1b", {}), [("/a~01b", "unknown_field")]),
    (with_field("/doc", None), [("/doc", "wrong_type")]),
    (with_field("/doc", "x" * (MAX_TEXT + 1)), [("/doc", "too_long")]),
    (with_field("/doc", "é" * (MAX_TEXT // 2 + 1)), [("/doc", "too_long")]),
    (with_field("/doc", "a\0"), [("/doc", "nul_character")]),
    (with_field("/doc", "\ud800"), [("/doc", "lone_surrogate")]),
    (with_field("/doc", b"bytes"), [("/doc", "not_json")]),
    # metadata
    (with_field("/metadata", []), [("/metadata", "wrong_type")]),
    (with_field("/metadata", {}), [(f"/metadata/{name}", "required") for name in ("project", "slug", "title")]),
    (with_field("/metadata/owner", "me"), [("/metadata/owner", "unknown_field")]),
    (with_field("/metadata/slug", ""), [("/metadata/slug", "too_short"), ("/metadata/slug", "bad_format")]),
    (with_field("/metadata/slug", "-a"), [("/metadata/slug", "bad_format")]),
    (with_field("/metadata/slug", "a\n"), [("/metadata/slug", "bad_format")]),
    (with_field("/metadata/slug", "Drain"), [("/metadata/slug", "bad_format")]),
    (with_field("/metadata/slug", "a" * 65), [("/metadata/slug", "too_long")]),
    (with_field("/metadata/project", "../x"), [("/metadata/project", "bad_format")]),
    (with_field("/metadata/title", "two\nlines"), [("/metadata/title", "bad_format")]),
    (with_field("/metadata/title", "ends\n"), [("/metadata/title", "bad_format")]),
    (with_field("/metadata/title", "cr\r"), [("/metadata/title", "bad_format")]),
    (with_field("/metadata/title", "  "), [("/metadata/title", "bad_format")]),
    (with_field("/metadata/title", "x" * 201), [("/metadata/title", "too_long")]),
    (with_field("/metadata/tags", "queue"), [("/metadata/tags", "wrong_type")]),
    (with_field("/metadata/tags", ["a", 1]), [("/metadata/tags/1", "wrong_type")]),
    (with_field("/metadata/tags", ["a", "a"]), [("/metadata/tags", "repeated")]),
    (with_field("/metadata/alerts", ["a\nb"]), [("/metadata/alerts/0", "bad_format")]),
    (with_field("/metadata/alerts", ["x"] * 51), [("/metadata/alerts", "too_long"), ("/metadata/alerts", "repeated")]),
    # spec
    (with_field("/spec", {}), [("/spec/steps", "required")]),
    (with_field("/spec/steps", []), [("/spec/steps", "too_short")]),
    (with_field("/spec/steps", {}), [("/spec/steps", "wrong_type")]),
    (with_field("/spec/risk", "extreme"), [("/spec/risk", "not_a_choice")]),
    (with_field("/spec/risk", ["low"]), [("/spec/risk", "not_a_choice")]),
    (with_field("/spec/schedule", "daily"), [("/spec/schedule", "unknown_field")]),
    (with_field("/spec/targets", None), [("/spec/targets", "wrong_type")]),
    (with_field("/spec/targets", {"batch": 5}), [("/spec/targets/select", "required")]),
    (with_field("/spec/targets", {"select": "name ="}), [("/spec/targets/select", "invalid_condition")]),
    (with_field("/spec/targets", {"select": "web", "batch": "many"}), [("/spec/targets/batch", "bad_format")]),
    (with_field("/spec/targets", {"select": "web", "order": "random"}), [("/spec/targets/order", "not_a_choice")]),
    (with_step(local=True), [("/spec/steps/0/local", "not_applicable")]),
    (with_parameter(name="a", type="node", **{"from": "x ="}), [("/spec/parameters/0/from", "invalid_condition")]),
    (with_parameter(name="a", type="string", **{"from": "web"}), [("/spec/parameters/0/from", "not_applicable")]),
    (with_parameter(name="a", type="node", default="-"), [("/spec/parameters/0/default", "wrong_type")]),
    (
        with_field("/spec/steps", [{"id": f"s{n}", "interpreter": ["sh"], "script": "true"} for n in range(51)]),
        [("/spec/steps", "too_long")],
    ),
    # parameters
    (with_field("/spec/parameters", ["env"]), [("/spec/parameters/0", "wrong_type")]),
    (with_parameter(), [("/spec/parameters/0/name", "required"), ("/spec/parameters/0/type", "required")]),
    (with_parameter(name="Env", type="string"), [("/spec/parameters/0/name", "bad_format")]),
    (with_parameter(name="a-b", type="string"), [("/spec/parameters/0/name", "bad_format")]),
    (with_parameter(name="a\n", type="string"), [("/spec/parameters/0/name", "bad_format")]),
    (with_parameter(name="a", type="str"), [("/spec/parameters/0/type", "not_a_choice")]),
    (with_parameter(name="a", type=["string"]), [("/spec/parameters/0/type", "not_a_choice")]),
    (with_parameter(name="a", type="string", label="A"), [("/spec/parameters/0/label", "unknown_field")]),
    (with_parameter(name="a", type="string", required="yes"), [("/spec/parameters/0/required", "wrong_type")]),
    (with_parameter(name="a", type="string", default=None), [("/spec/parameters/0/default", "wrong_type")]),
    (with_parameter(name="a", type="string", default=1), [("/spec/parameters/0/default", "wrong_type")]),
    (with_parameter(name="a", type="string", default="a\n"), [("/spec/parameters/0/default", "many_lines")]),
    (
        with_parameter(name="a", type="string", default="x1", pattern="[0-9]+"),
        [("/spec/parameters/0/default", "pattern_mismatch")],
    ),
    (with_parameter(name="a", type="integer", default="2"), [("/spec/parameters/0/default", "wrong_type")]),
    (with_parameter(name="a", type="integer", default=True), [("/spec/parameters/0/default", "wrong_type")]),
    (with_parameter(name="a", type="integer", default=2.5), [("/spec/parameters/0/default", "wrong_type")]),
    (with_parameter(name="a", type="integer", max=1, default=2), [("/spec/parameters/0/default", "too_large")]),
    (with_parameter(name="a", type="number", min=1, default=0.5), [("/spec/parameters/0/default", "too_small")]),
    (with_parameter(name="a", type="boolean", default="true"), [("/spec/parameters/0/default", "wrong_type")]),
    (
        with_parameter(name="a", type="choice", choices=["x"], default="y"),
        [("/spec/parameters/0/default", "not_a_choice")],
    ),
    (with_parameter(name="a", type="choice"), [("/spec/parameters/0/choices", "required")]),
    (with_parameter(name="a", type="choice", choices=[]), [("/spec/parameters/0/choices", "too_short")]),
    (with_parameter(name="a", type="choice", choices=["x", "x"]), [("/spec/parameters/0/choices", "repeated")]),
    (with_parameter(name="a", type="choice", choices=[""]), [("/spec/parameters/0/choices/0", "too_short")]),
    (with_parameter(name="a", type="choice", choices=[1]), [("/spec/parameters/0/choices/0", "wrong_type")]),
    (with_parameter(name="a", type="choices"), [("/spec/parameters/0/choices", "required")]),
    (with_parameter(name="a", type="choices", choices=["x"], min=2), [("/spec/parameters/0/min", "out_of_range")]),
    (with_parameter(name="a", type="choices", choices=["x"], max=-1), [("/spec/parameters/0/max", "out_of_range")]),
    (with_parameter(name="a", type="choices", choices=["x"], min=0.5), [("/spec/parameters/0/min", "wrong_type")]),
    (with_parameter(name="a", type="choices", choices=["x"], min="0"), [("/spec/parameters/0/min", "wrong_type")]),
    (
        with_parameter(name="a", type="choices", choices=["x"], default="x"),
        [("/spec/parameters/0/default", "wrong_type")],
    ),
    (
        with_parameter(name="a", type="choices", choices=["x"], default=["x", 1]),
        [("/spec/parameters/0/default/1", "wrong_type")],
    ),
    (
        with_parameter(name="a", type="choices", choices=["x"], default=["y"]),
        [("/spec/parameters/0/default", "not_a_choice")],
    ),
    (
        with_parameter(name="a", type="choices", choices=["x", "y"], max=1, default=["x", "y"]),
        [("/spec/parameters/0/default", "too_many")],
    ),
    (
        with_parameter(name="a", type="choice", choices=["x"], default=["x"]),
        [("/spec/parameters/0/default", "not_a_choice")],
    ),
    (with_parameter(name="a", type="file", default="x"), [("/spec/parameters/0/default", "not_applicable")]),
    (with_parameter(name="a", type="file", max=1.5), [("/spec/parameters/0/max", "wrong_type")]),
    (with_parameter(name="a", type="file", max=2**20 + 1), [("/spec/parameters/0/max", "out_of_range")]),
    (with_parameter(name="a", type="datetime", min=5), [("/spec/parameters/0/min", "wrong_type")]),
    (with_parameter(name="a", type="datetime", max="2026-11-21"), [("/spec/parameters/0/max", "bad_format")]),
    (
        with_parameter(name="a", type="datetime", min="2026-11-21T14:00:00Z", max="2026-11-21T14:30:00+01:00"),
        [("/spec/parameters/0/max", "bad_range")],
    ),
    (
        with_parameter(name="a", type="datetime", min="2026-11-21T14:00:00Z", default="2026-11-21T13:59:59Z"),
        [("/spec/parameters/0/default", "too_early")],
    ),
    (with_parameter(name="a", type="datetime", choices=["x"]), [("/spec/parameters/0/choices", "not_applicable")]),
    (with_parameter(name="a", type="string", choices=["x"]), [("/spec/parameters/0/choices", "not_applicable")]),
    (with_parameter(name="a", type="string", min=1), [("/spec/parameters/0/min", "not_applicable")]),
    (with_parameter(name="a", type="boolean", max=1), [("/spec/parameters/0/max", "not_applicable")]),
    (with_parameter(name="a", type="integer", pattern="1"), [("/spec/parameters/0/pattern", "not_applicable")]),
    (with_parameter(name="a", type="integer", min="1"), [("/spec/parameters/0/min", "wrong_type")]),
    (with_parameter(name="a", type="integer", min=True), [("/spec/parameters/0/min", "wrong_type")]),
    (with_parameter(name="a", type="integer", min=0.5), [("/spec/parameters/0/min", "wrong_type")]),
    (with_parameter(name="a", type="integer", min=2, max=1), [("/spec/parameters/0/max", "bad_range")]),
    (with_parameter(name="a", type="number", max=float("nan")), [("/spec/parameters/0/max", "number_not_finite")]),
    (with_parameter(name="a", type="number", max=2**53), [("/spec/parameters/0/max", "number_out_of_range")]),
    (with_parameter(name="a", type="string", pattern="("), [("/spec/parameters/0/pattern", "bad_pattern")]),
    (with_parameter(name="a", type="string", pattern="(?=a)"), [("/spec/parameters/0/pattern", "bad_pattern")]),
    (with_parameter(name="a", type="string", pattern=r"(a)\1"), [("/spec/parameters/0/pattern", "bad_pattern")]),
    (
        with_parameter(name="a", type="string", pattern="((a{100}){100}){100}"),
        [("/spec/parameters/0/pattern", "bad_pattern")],
    ),
    (with_parameter(name="a", type="string", pattern="x" * 501), [("/spec/parameters/0/pattern", "too_long")]),
    (
        with_field("/spec/parameters", [{"name": "a", "type": "text"}] * 3),
        [("/spec/parameters/1/name", "repeated"), ("/spec/parameters/2/name", "repeated")],
    ),
    (
        with_field("/spec/parameters", [{"name": f"p{n}", "type": "text"} for n in range(51)]),
        [("/spec/parameters", "too_long")],
    ),
    # steps
    (with_field("/spec/steps", ["true"]), [("/spec/steps/0", "wrong_type")]),
    (with_step(id=None), [("/spec/steps/0/id", "required")]),
    (with_step(script=None), [("/spec/steps/0/script", "required")]),
    (with_step(id="caught-up"), [("/spec/steps/0/id", "bad_format")]),
    (with_step(run="true"), [("/spec/steps/0/run", "unknown_field")]),
    (with_step(secrets=["payments/deploy"]), [("/spec/steps/0/secrets", "wrong_type")]),
    (with_step(secrets={"KEY": "deploy"}), [("/spec/steps/0/secrets/KEY", "bad_format")]),
    (with_step(secrets={"KEY": {"as": "file"}}), [("/spec/steps/0/secrets/KEY/secret", "required")]),
    (with_step(secrets={"KEY": {"secret": "a/b", "as": "x"}}), [("/spec/steps/0/secrets/KEY/as", "not_a_choice")]),
    (
        with_step(secrets={"KEY": {"secret": "a/b", "value": "x"}}),
        [("/spec/steps/0/secrets/KEY/value", "unknown_field")],
    ),
    (with_step(secrets={f"KEY{n}": "a/b" for n in range(21)}), [("/spec/steps/0/secrets", "too_long")]),
    *(
        (with_step(secrets={name: "a/b"}), [(f"/spec/steps/0/secrets/{name}", "bad_format")])
        for name in ("key", "1KEY", "KEY-1", "KEY\n", "")
    ),
    *(
        (with_step(secrets={name: "a/b"}), [(f"/spec/steps/0/secrets/{name}", "reserved")])
        for name in ("PATH", "HOME", "OPSAAS_RUN_ID", "OPSAAS_PARAM_X", "LD_PRELOAD", "BASH_ENV", "PYTHONPATH", "IFS")
    ),
    (with_step(manual={"ask": "?"}), [("/spec/steps/0/manual", "not_applicable")]),
    (with_step(script=None, manual={"ask": "?"}), [("/spec/steps/0/interpreter", "not_applicable")]),
    (pause(manual={}), [("/spec/steps/0/manual/ask", "required")]),
    (pause(manual={"ask": "?", "evidence": "video"}), [("/spec/steps/0/manual/evidence", "not_a_choice")]),
    (pause(manual={"ask": "?", "from": []}), [("/spec/steps/0/manual/from", "too_short")]),
    (pause(manual={"ask": "?", "from": ["user:a", "user:a"]}), [("/spec/steps/0/manual/from", "repeated")]),
    *(
        (pause(manual={"ask": "?", "from": [who]}), [("/spec/steps/0/manual/from/0", "bad_format")])
        for who in ("sre", "role:sre", "group:", "group:SRE", "user:a b", "user:a\n")
    ),
    (pause(manual={"ask": "?"}, retries={"count": 1}), [("/spec/steps/0/retries", "not_applicable")]),
    (pause(wait={}), [("/spec/steps/0/wait", "bad_wait")]),
    (pause(wait={"for": "1m", "until": "true"}), [("/spec/steps/0/wait", "bad_wait")]),
    (pause(wait={"for": "1m", "at": "2026-12-01T06:00:00Z"}), [("/spec/steps/0/wait", "bad_wait")]),
    (pause(wait={"at": "2026-12-01T06:00:00Z"}, timeout="5m"), [("/spec/steps/0/timeout", "not_applicable")]),
    *(
        (pause(wait={"at": at}), [("/spec/steps/0/wait/at", "bad_condition")])
        for at in ("tomorrow at six", "2026-13-01T06:00:00Z", "now", "5")
    ),
    (pause(wait={"at": "params.gone"}), [("/spec/steps/0/wait/at", "unknown_parameter")]),
    (pause(wait={"until": "1 +"}), [("/spec/steps/0/wait/until", "bad_condition")]),
    (pause(wait={"until": 'steps.gone.status == "x"'}), [("/spec/steps/0/wait/until", "unknown_step")]),
    (pause(wait={"for": "10m"}, timeout="5m"), [("/spec/steps/0/wait/for", "out_of_range")]),
    (pause(runbook={}), [("/spec/steps/0/runbook/path", "required")]),
    (pause(runbook={"path": "drain"}), [("/spec/steps/0/runbook/path", "bad_format")]),
    (pause(runbook={"path": "payments/smallest"}), [("/spec/steps/0/runbook/path", "circle")]),
    (pause(runbook={"path": "a/b", "version": 0}), [("/spec/steps/0/runbook/version", "out_of_range")]),
    (pause(runbook={"path": "a/b"}, secrets={}), [("/spec/steps/0/secrets", "not_applicable")]),
    (pause(runbook={"path": "a/b"}, manual={"ask": "?"}), [("/spec/steps/0/runbook", "not_applicable")]),
    *(
        (
            pause(runbook={"path": "a/b", "parameters": {"x": value}}),
            [(f"/spec/steps/0/runbook/parameters/x{place}", code)],
        )
        for value, place, code in (
            (None, "", "wrong_type"),
            ({}, "/from", "required"),
            ({"from": "1 +"}, "/from", "bad_condition"),
            ({"from": "params.gone"}, "/from", "unknown_parameter"),
            ({"from": "steps.gone.outputs.x"}, "/from", "unknown_step"),
            ({"from": "now"}, "/from", "bad_condition"),
        )
    ),
    (with_step(script=""), [("/spec/steps/0/script", "too_short")]),
    (with_step(script=["true"]), [("/spec/steps/0/script", "wrong_type")]),
    (with_step(script="x" * (MAX_TEXT + 1)), [("/spec/steps/0/script", "too_long")]),
    (with_step(script="é" * (MAX_TEXT // 2 + 1)), [("/spec/steps/0/script", "too_long")]),
    (with_step(script="a\0b"), [("/spec/steps/0/script", "nul_character")]),
    (with_step(script={"file": "./x.sh"}), [("/spec/steps/0/script/file", "file_not_sent")]),
    (with_step(script={"text": "x"}), [("/spec/steps/0/script/name", "required")]),
    (with_step(script={"name": "x", "text": ""}), [("/spec/steps/0/script/text", "too_short")]),
    (with_step(script={"name": "x", "text": "é" * MAX_TEXT}), [("/spec/steps/0/script/text", "too_long")]),
    (with_step(script={"name": "x", "text": "x", "mode": 1}), [("/spec/steps/0/script/mode", "unknown_field")]),
    *(
        (with_step(script={"name": name, "text": "x"}), [("/spec/steps/0/script/name", "bad_format")])
        for name in ("a/b", "..", ".", ".x", "-rf", "a b", "a\n", "\\", "é")
    ),
    (with_step(interpreter="bash"), [("/spec/steps/0/interpreter", "wrong_type")]),
    (with_step(interpreter=[]), [("/spec/steps/0/interpreter", "too_short")]),
    (with_step(interpreter=["sh", ""]), [("/spec/steps/0/interpreter/1", "too_short")]),
    (with_step(interpreter=["sh", 1]), [("/spec/steps/0/interpreter/1", "wrong_type")]),
    (with_step(interpreter=["sh\0"]), [("/spec/steps/0/interpreter/0", "nul_character")]),
    (with_step(interpreter=None), [("/spec/steps/0/script", "no_interpreter")]),
    (with_step(interpreter=None, script=" #!/bin/sh"), [("/spec/steps/0/script", "no_interpreter")]),
    (with_step(interpreter=None, script="#! \nx"), [("/spec/steps/0/script", "no_interpreter")]),
    (with_step(interpreter=None, script="#!/bin/sh\r\ntrue\r\n"), [("/spec/steps/0/script", "carriage_return")]),
    (with_step(interpreter=None, script="#!/bin/sh\r"), [("/spec/steps/0/script", "carriage_return")]),
    (
        with_step(interpreter=None, script={"name": "x", "text": "#!/bin/sh\r\n"}),
        [("/spec/steps/0/script/text", "carriage_return")],
    ),
    *(
        (with_step(timeout=timeout), [("/spec/steps/0/timeout", "bad_format")])
        for timeout in ("5", "5 m", "1.5h", "-1s", "1s1m", "5min", "5m\n", "\u0665s", "1d", "1h1h")
    ),
    (with_step(timeout=""), [("/spec/steps/0/timeout", "too_short"), ("/spec/steps/0/timeout", "bad_format")]),
    (with_step(timeout=60), [("/spec/steps/0/timeout", "wrong_type")]),
    *(
        (with_step(timeout=timeout), [("/spec/steps/0/timeout", "out_of_range")])
        for timeout in ("0s", "0h0m0s", "25h", "24h1s", "99999h")
    ),
    (
        with_field("/spec/steps", [{"id": "a", "interpreter": ["sh"], "script": "true"}] * 2),
        [("/spec/steps/1/id", "repeated")],
    ),
]


@pytest.mark.parametrize(("data", "expected"), BAD, ids=lambda part: repr(part)[:60])
def test_bad_definitions_are_refused_at_the_right_field(data: object, expected: list[tuple[str, str]]) -> None:
    assert sorted(refused(data)) == sorted(expected)


def test_problems_of_several_fields_are_told_at_once() -> None:
    data = with_parameter(name="n", type="integer", default="x")
    data["metadata"]["slug"] = "No"
    data["spec"]["steps"] = [
        {"id": "a", "script": "true"},
        {"id": "a", "interpreter": ["sh"], "script": "true", "timeout": "0s"},
        {"id": "b", "interpreter": "sh", "script": "true", "timeout": "0s"},
    ]
    assert sorted(refused(data)) == [
        ("/metadata/slug", "bad_format"),
        ("/spec/parameters/0/default", "wrong_type"),
        ("/spec/steps/0/script", "no_interpreter"),
        ("/spec/steps/1/id", "repeated"),
        ("/spec/steps/1/timeout", "out_of_range"),
        ("/spec/steps/2/interpreter", "wrong_type"),
    ]


def test_sentences_help_the_author() -> None:
    def said(data: object) -> str:
        with pytest.raises(Invalid) as caught:
            parse_definition(data)
        return caught.value.problems[0].detail

    assert said(with_step(interpreter="bash")) == (
        'This must be a list, not text; for example ["bash", "-euo", "pipefail"].'
    )
    assert "missing )" in said(with_parameter(name="a", type="string", pattern="("))
    assert "there are id, title, " in said(with_step(run="true"))
    assert "number 60" in said(with_step(timeout=60))


@pytest.mark.parametrize(
    "data",
    [
        with_field("/metadata/tags", ["a", 1] * 200_000),
        with_field("/metadata/tags", [["a"], 1, "a"] * 100_000),
        with_field("/spec/steps", [{}] * 200_000),
        with_field("/spec/steps", [[]] * 200_000),
        {f"field{number}": number for number in range(200_000)},
        with_field("/spec", {f"field{number}": number for number in range(200_000)}),
        with_parameter(name="a", type="string", pattern="(" * 500),
    ],
    ids=["mixed tags", "lists in tags", "empty steps", "no steps", "fields", "more fields", "brackets"],
)
def test_hostile_definitions_are_refused_soon_and_briefly(data: object) -> None:
    assert 1 <= len(refused(data)) <= 50


FIELDS = (
    "apiVersion kind metadata spec steps parameters name type id script interpreter timeout"
    " default choices pattern min max text targets manual x"
)
words = st.text(max_size=5) | st.sampled_from(["string", "choice"])
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS.split()), inner),
    max_leaves=30,
)


@given(json_like, st.sampled_from(["", "/metadata", "/spec", "/spec/steps", "/spec/parameters", "/doc"]))
def test_no_tree_makes_it_fail_otherwise(tree: object, place: str) -> None:
    with contextlib.suppress(Invalid):
        parse_definition(with_field(place, tree) if place else tree)


@given(st.fixed_dictionaries({"name": st.just("a"), "type": st.sampled_from(list(ParameterType))}, optional={
    "required": json_like, "default": json_like, "min": json_like, "max": json_like, "choices": json_like,
    "pattern": json_like, "confirm": json_like, "help": json_like,
}))  # fmt: skip
def test_no_parameter_makes_it_fail_otherwise(parameter: dict[str, object]) -> None:
    with contextlib.suppress(Invalid):
        parse_definition(with_field("/spec/parameters", [parameter]))
