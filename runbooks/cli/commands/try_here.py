"""Trying a definition before anybody reviews it."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from runbooks.cli.failures import ERROR, OPSAAS_FAILED, Failure, usage
from runbooks.cli.output import LogSink, emit_json, say
from runbooks.cli.trying.lease import OwnLease
from runbooks.cli.trying.others import other_definitions
from runbooks.cli.trying.pauses import read_answers
from runbooks.cli.trying.secret_values import secret_values
from runbooks.cli.trying.subject import Subject, read_subject
from runbooks.cli.trying.trial import Trial, only_steps
from runbooks.cli.value_options import Params, ParamsAsJson
from runbooks.cli.verdict import exit_code_of, summary_of
from runbooks.execution.local import LocalExecutor

app = typer.Typer()


Secrets = Annotated[
    list[str] | None, typer.Option("--secret", metavar="NAME=@FILE", help="A secret that a step gets as NAME.")
]
AnswerOptions = Annotated[
    list[str] | None, typer.Option("--answer", metavar="STEP=approve", help="To a manual step; or STEP=reject.")
]
With = Annotated[
    list[Path] | None,
    typer.Option("--with", metavar="FILE", help="Definitions of runbooks that are steps, or a folder of them."),
]


class Nowhere:
    """With --json only the end is shown."""

    def write(self, data: bytes) -> None: ...


@app.command("try")
def try_here(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A definition; files of scripts lie beside it.")],
    params: Params = None,
    params_as_json: ParamsAsJson = None,
    steps: Annotated[list[str] | None, typer.Option("--step", metavar="ID", help="Only this step.")] = None,
    secrets: Secrets = None,
    answers: AnswerOptions = None,
    others: With = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Count every wait as over at once.")] = False,
    artifacts: Annotated[Path | None, typer.Option(help="Where the files go that scripts leave to be kept.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of what the scripts print.")] = False,
) -> None:
    """Run a definition on this machine, as you, without a server.

    Scripts get what a worker would give them: environment, values, private folder, time limit. A secret comes from
    --secret, else from a variable of its name, else it is asked for. Manual steps ask you. Runbooks that are steps come
    from --with, else from files beside this one. What scripts print goes to standard output, everything else to
    standard error. Ends as `run --follow` does: the script's own exit code up to 123, 124 timed out, 125 not accepted
    or failed otherwise, 130 stopped by Ctrl-C, with all that the script started.
    """
    if sys.platform != "linux":
        raise Failure("`opsaas try` needs Linux, as workers do.", exit_code=OPSAAS_FAILED)
    try:
        subject = read_subject(file=file, given=params or [], as_json=params_as_json or [])
        _check_steps(subject, steps or [])
        definition = only_steps(subject.definition, steps or [])
        called = other_definitions(definition, file=file, places=others or [])
        all_steps = [step for one in (definition, *called.values()) for step in one.steps]
        whole = [subject.definition, *called.values()]
        said = read_answers(answers or [], steps=all_steps, waits=not no_wait)
        values = secret_values(definitions=whole, given=secrets or [], steps=all_steps)
    except Failure as failure:
        code = OPSAAS_FAILED if failure.exit_code == ERROR else failure.exit_code  # 1 would pass for the script's own
        raise Failure(str(failure), exit_code=code) from failure
    trial = partial(Trial, subject=subject, definition=definition, artifacts=artifacts, secrets=values)
    raise typer.Exit(_tried(partial(trial, answers=said, others=called), as_json=as_json))


def _check_steps(subject: Subject, wanted: Sequence[str]) -> None:
    known = [step.id for step in subject.definition.steps]
    for name in wanted:
        if name not in known:
            raise usage(f"There is no step {name}; there is {', '.join(known)}.")


def _tried(trial: Callable[..., Trial], *, as_json: bool) -> int:
    lease, sink = OwnLease(), Nowhere() if as_json else LogSink()
    with tempfile.TemporaryDirectory(prefix="opsaas-try-", ignore_cleanup_errors=True) as folder:
        try:
            with lease.until_interrupted(), LocalExecutor(base_folder=Path(folder)) as executor:
                run = trial(executor=executor, sink=sink, lease=lease).run()
        except OSError as error:
            text = f"The output could not be written: {error.strerror}. The script was stopped."
            raise Failure(text, exit_code=OPSAAS_FAILED) from error
        except KeyboardInterrupt:
            raise Failure("opsaas: stopped at once.", exit_code=128 + lease.interrupted_by) from None
        finally:
            if isinstance(sink, LogSink):
                sink.finish()
    say(f"opsaas: {summary_of(run)}")
    if as_json:
        emit_json(run)
    return 128 + lease.interrupted_by if lease.interrupted_by else exit_code_of(run)
