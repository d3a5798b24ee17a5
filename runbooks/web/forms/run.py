"""The form that starts a run: one typed field per parameter. The domain tells what is wrong; this only shows it."""

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from runbooks.domain.definition import Definition, Risk
from runbooks.domain.files import is_reference
from runbooks.domain.form_values import values_from_form
from runbooks.domain.moments import from_field, instant_of
from runbooks.domain.parameters import MAX_VALUES_BYTES, Parameter, ParameterType, apart
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Invalid, Problem, pointer_to
from runbooks.domain.syntax.json_text import read_json
from runbooks.web.forms.run_fields import ShownField, again_field, parameter_field, reason_field, slug_field

VALUE, AGAIN, KEPT = "p-", "again-", "kept-"
Files = MultiValueDict[str, "UploadedFile[Any]"]
REASON, SLUG = "reason", "slug"
TICKED = {True: "on", False: ""}


class RunForm(forms.Form):
    use_required_attribute = False

    def __init__(
        self,
        *,
        definition: Definition,
        data: QueryDict | None = None,
        given: Mapping[str, JsonValue] | None = None,
        reason: str = "",
        origin: str = "",
        problems: Iterable[Problem] = (),
        nodes: Mapping[str, Sequence[str]] | None = None,
        lost: Collection[str] = (),
    ) -> None:
        """GIVEN are values to begin with, labelled by their ORIGIN; PROBLEMS are shown beside their fields; NODES are
        those to choose from, by parameter; LOST are parameters whose value was sent and can't be shown again."""
        super().__init__(data=data)
        self.definition, self.problems = definition, tuple(problems)
        given = given or {}
        for parameter in definition.parameters:
            note = origin if parameter.name in given else _once_more(parameter) if parameter.name in lost else ""
            initial = given.get(parameter.name, parameter.default)
            self.fields[VALUE + parameter.name] = parameter_field(
                parameter, initial=initial, note=note, nodes=(nodes or {}).get(parameter.name)
            )
            if parameter.confirm:
                self.fields[AGAIN + parameter.name] = again_field(parameter)
        self.fields[REASON] = reason_field(definition, initial=reason, note=origin if reason else "")
        if definition.risk is Risk.HIGH:
            self.fields[SLUG] = slug_field(definition)

    def full_clean(self) -> None:
        """Django checks nothing here."""
        self._errors = ErrorDict()
        self.cleaned_data: dict[str, Any] = {}
        for problem in self.problems if self.is_bound else ():
            name = _field_named(problem.pointer)
            self.add_error(name if name in self.fields else None, problem.detail)

    @property
    def file_names(self) -> list[str]:
        """Fields whose content is sent with the form alone, not with every look at the panel beside it."""
        return [name for name, field in self.fields.items() if field.widget.needs_multipart_form]

    @property
    def parameter_fields(self) -> Iterator[forms.BoundField]:
        return (field for field in self if field.name.startswith((VALUE, AGAIN)))

    @property
    def last_fields(self) -> Iterator[forms.BoundField]:
        return (field for field in self if not field.name.startswith((VALUE, AGAIN)))

    @property
    def summary(self) -> list[SafeString]:
        """What is wrong, each line a link to its field."""
        return [
            format_html('<a href="#{}">{}</a>: {}', _first_id(field), _plain_label(field), error)
            for field in self
            for error in field.errors
        ] + [format_html("{}", error) for error in self.non_field_errors()]


def posted_values(definition: Definition, data: QueryDict, files: Files | None = None) -> dict[str, JsonValue]:
    """The JSON values that the fields mean."""
    fields = {
        parameter.name: data.getlist(name)
        for parameter in definition.parameters
        if (name := VALUE + parameter.name) in data
    }
    return {**values_from_form(definition.parameters, fields), **dict(_posted_files(definition, data, files or {}))}


def _posted_files(
    definition: Definition, data: QueryDict, files: Mapping[str, "UploadedFile[Any]"]
) -> Iterator[tuple[str, JsonValue]]:
    """A file that comes with the form, or else the reference to one: of an earlier run or, for the panel beside the
    form, to the one that was chosen and is not sent yet."""
    for parameter in definition.parameters:
        if parameter.type is not ParameterType.FILE:
            continue
        if upload := files.get(VALUE + parameter.name):
            upload.seek(0)  # the form is read for its problems first, then for the run
            content = upload.read(MAX_VALUES_BYTES + 1)
            yield parameter.name, {"name": upload.name or "", "content": base64.b64encode(content).decode()}
        elif kept := data.get(KEPT + parameter.name):
            yield parameter.name, _read_reference(kept)


def files_kept(definition: Definition, data: QueryDict, files: Files) -> dict[str, JsonValue]:
    """References to files of an earlier run: a browser keeps no file that was chosen for a form that is shown again."""
    found = dict(_posted_files(definition, data, {}))
    return {name: value for name, value in found.items() if is_reference(value) and VALUE + name not in files}


def not_kept(definition: Definition, data: QueryDict, files: Files) -> set[str]:
    """Parameters that were sent and are not sent back: secrets, and files, which no browser takes from a page."""
    kinds = {ParameterType.SECRET, ParameterType.FILE}
    names = [parameter.name for parameter in definition.parameters if parameter.type in kinds]
    return {name for name in names if data.get(VALUE + name) or VALUE + name in files}


def _once_more(parameter: Parameter) -> str:
    return _("choose it again") if parameter.type is ParameterType.FILE else _("type it again: it is not kept")


def _read_reference(text: str) -> JsonValue:
    try:
        return read_json(text.encode(errors="replace"), max_bytes=2000)
    except Invalid:
        return text


def link_values(definition: Definition, query: QueryDict) -> dict[str, JsonValue]:
    """The values that an address offers; a tick that it does not name keeps its default."""
    values = posted_values(definition, query)
    offered = {name: value for name, value in values.items() if VALUE + name in query}
    return apart(definition.parameters, offered)[0]  # a secret that stands in an address is none any more


def strangers(definition: Definition, query: QueryDict) -> list[str]:
    """Names that an address gives values for and the runbook does not know."""
    known = {VALUE + parameter.name for parameter in definition.parameters}
    return [name.removeprefix(VALUE) for name in query if name.startswith(VALUE) and name not in known]


def slips(definition: Definition, data: QueryDict) -> list[Problem]:
    """What only a person at a form is asked: to type the dangerous things twice."""
    found = []
    for parameter in definition.parameters:
        if parameter.confirm and not _typed_again(parameter, data):
            detail = _("This is not the same as above. Type the value again.")
            found.append(Problem(pointer_to("again", parameter.name), "differs", detail))
    if definition.risk is Risk.HIGH and data.get(SLUG, "").strip() != definition.slug:
        detail = _("Type “%(slug)s” to show that you mean this runbook.") % {"slug": definition.slug}
        found.append(Problem("/slug", "differs", detail))
    return found


def _typed_again(parameter: Parameter, data: QueryDict) -> bool:
    typed, again = data.get(VALUE + parameter.name, ""), data.get(AGAIN + parameter.name, "")
    match parameter.type:
        case ParameterType.BOOLEAN:
            return again == ("yes" if typed else "no")
        case ParameterType.CHOICES:
            return {part.strip() for part in again.split(",")} - {""} == set(data.getlist(VALUE + parameter.name))
        case ParameterType.DATETIME:
            return again == typed or instant_of(from_field(again)) == instant_of(from_field(typed)) is not None
        case ParameterType.FILE:
            reference = _read_reference(data.get(KEPT + parameter.name, ""))
            return again == typed or (isinstance(reference, dict) and again == reference.get("name"))
    return again == typed


def _field_named(pointer: str) -> str:
    for beginning, prefix in [("/parameters/", VALUE), ("/again/", AGAIN), ("/", "")]:
        if pointer.startswith(beginning):
            return prefix + pointer.removeprefix(beginning).partition("/")[0]
    return pointer


def _plain_label(field: forms.BoundField) -> str:
    shown = field.field
    return shown.plain_label if isinstance(shown, ShownField) else str(field.label)


def _first_id(field: forms.BoundField) -> str:
    return field.id_for_label or f"{field.auto_id}_0"
