"""Files that runs are given: kept with the run, handed to its scripts, and taken over by later runs."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.db.models import QuerySet

from runbooks.access.actors import Actor
from runbooks.access.rights import restrict_runs
from runbooks.domain.definition import Definition
from runbooks.domain.files import is_reference
from runbooks.domain.parameters import ParameterType, uploads_in
from runbooks.domain.ports import GivenFile, JsonValue
from runbooks.domain.problems import Invalid, Problem, pointer_to
from runbooks.models import FileContent, Run, RunFile

Values = Mapping[str, JsonValue]


class FileGone(Exception):
    """What a run was given is not there, or is not what it was."""


def taken_files(
    *, actor: Actor, definition: Definition, given: Mapping[str, object], values: Values, now: datetime
) -> dict[str, GivenFile]:
    """The uploads among the GIVEN values. A mere reference among the checked VALUES has to be to a file of a run that
    the actor sees: knowing a hash is no right to what it names. Raises Invalid."""
    uploads = uploads_in(definition.parameters, given)
    names = [parameter.name for parameter in definition.parameters if parameter.type is ParameterType.FILE]
    problems = [
        Problem(pointer_to("parameters", name), "unknown_file", "This file is not here any more: choose it again.")
        for name in names
        if name in values and name not in uploads and not _may_be_taken(actor=actor, value=values[name], now=now)
    ]
    if problems:
        raise Invalid(problems)
    return uploads


def keep_files(*, run: Run, values: Values, uploads: Mapping[str, GivenFile]) -> None:
    """In the transaction that makes the run."""
    given = {name: value for name, value in values.items() if isinstance(value, dict) and is_reference(value)}
    if not given:
        return
    contents = [FileContent(sha256=given[name]["sha256"], data=file.data) for name, file in uploads.items()]
    FileContent.objects.bulk_create(contents, ignore_conflicts=True)
    rows = [RunFile(run=run, parameter=name, content_id=value["sha256"]) for name, value in given.items()]
    RunFile.objects.bulk_create(rows)


def files_of(*, run: Run, values: Values) -> dict[str, GivenFile]:
    """What the plan's VALUES name, as it was when the run was asked for. Raises FileGone."""
    named = {name: value for name, value in values.items() if isinstance(value, dict) and is_reference(value)}
    if not named:
        return {}
    rows = RunFile.objects.filter(run=run).select_related("content")
    contents = {row.parameter: bytes(row.content.data) for row in rows}
    for name, value in named.items():
        if name not in contents or hashlib.sha256(contents[name]).hexdigest() != value["sha256"]:
            raise FileGone(f"The file given for {name} is not what was asked for: its hash differs.")
    return {name: GivenFile(name=str(value["name"]), data=contents[name]) for name, value in named.items()}


def _may_be_taken(*, actor: Actor, value: JsonValue, now: datetime) -> bool:
    assert isinstance(value, dict)
    held: QuerySet[RunFile] = RunFile.objects.filter(content_id=value["sha256"])
    seen = restrict_runs(actor=actor, right="view", now=now, queryset=Run.objects.filter(files__in=held))
    return any(value in run.parameters.values() for run in seen.order_by("-id")[:20])
