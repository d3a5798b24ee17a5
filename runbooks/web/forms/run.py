"""The form that starts a run: one typed field per parameter. The domain tells what is wrong; this only shows it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from runbooks.domain.definition import Definition, Risk
from runbooks.domain.parameters import Parameter, ParameterType, values_from_form
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Problem, pointer_to

VALUE, AGAIN = "p-", "again-"
REASON, SLUG = "reason", "slug"
SHORT_LIST = 5  # choices up to this many are all shown at once
TICKED = {True: "on", False: ""}


class RunForm(forms.Form):
    use_required_attribute = False

    def __init__(
        self,
        *,
        definition: Definition,
        data: Mapping[str, str] | None = None,
        given: Mapping[str, JsonValue] | None = None,
        reason: str = "",
        origin: str = "",
        problems: Iterable[Problem] = (),
    ) -> None:
        """GIVEN are values to begin with, labelled by their ORIGIN; PROBLEMS are shown beside their fields."""
        super().__init__(data=data)
        self.definition, self.problems = definition, tuple(problems)
        given = given or {}
        for parameter in definition.parameters:
            note = origin if parameter.name in given else ""
            initial = given.get(parameter.name, parameter.default)
            self.fields[VALUE + parameter.name] = _field(parameter, initial=initial, note=note)
            if parameter.confirm:
                self.fields[AGAIN + parameter.name] = _again(parameter)
        self.fields[REASON] = _reason(definition, initial=reason, note=origin if reason else "")
        if definition.risk is Risk.HIGH:
            self.fields[SLUG] = _slug(definition)

    def full_clean(self) -> None:
        """Django checks nothing here."""
        self._errors = ErrorDict()
        self.cleaned_data: dict[str, Any] = {}
        for problem in self.problems if self.is_bound else ():
            name = _field_named(problem.pointer)
            self.add_error(name if name in self.fields else None, problem.detail)

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


def posted_values(definition: Definition, data: Mapping[str, str]) -> dict[str, JsonValue]:
    """The JSON values that the fields mean."""
    fields = {
        parameter.name: data[name] for parameter in definition.parameters if (name := VALUE + parameter.name) in data
    }
    return values_from_form(definition.parameters, fields)


def link_values(definition: Definition, query: Mapping[str, str]) -> dict[str, JsonValue]:
    """The values that an address offers; a tick that it does not name keeps its default."""
    values = posted_values(definition, query)
    return {name: value for name, value in values.items() if VALUE + name in query}


def strangers(definition: Definition, query: Mapping[str, str]) -> list[str]:
    """Names that an address gives values for and the runbook does not know."""
    known = {VALUE + parameter.name for parameter in definition.parameters}
    return [name.removeprefix(VALUE) for name in query if name.startswith(VALUE) and name not in known]


def slips(definition: Definition, data: Mapping[str, str]) -> list[Problem]:
    """What only a person at a form is asked: to type the dangerous things twice."""
    found = []
    for parameter in definition.parameters:
        if parameter.confirm and data.get(AGAIN + parameter.name, "") != _as_typed(parameter, data):
            detail = _("This is not the same as above. Type the value again.")
            found.append(Problem(pointer_to("again", parameter.name), "differs", detail))
    if definition.risk is Risk.HIGH and data.get(SLUG, "").strip() != definition.slug:
        detail = _("Type “%(slug)s” to show that you mean this runbook.") % {"slug": definition.slug}
        found.append(Problem("/slug", "differs", detail))
    return found


def _as_typed(parameter: Parameter, data: Mapping[str, str]) -> str:
    typed = data.get(VALUE + parameter.name, "")
    if parameter.type is ParameterType.BOOLEAN:
        return "yes" if typed else "no"
    return typed


def _field_named(pointer: str) -> str:
    for beginning, prefix in [("/parameters/", VALUE), ("/again/", AGAIN), ("/", "")]:
        if pointer.startswith(beginning):
            return prefix + pointer.removeprefix(beginning)
    return pointer


def _plain_label(field: forms.BoundField) -> str:
    shown = field.field
    return shown.plain_label if isinstance(shown, ShownField) else str(field.label)


def _first_id(field: forms.BoundField) -> str:
    return field.id_for_label or f"{field.auto_id}_0"


class ShownField(forms.CharField):
    """Text as it was typed, with its label as plain text beside the decorated one."""

    def __init__(self, *, plain_label: str, note: str = "", **kwargs: Any) -> None:
        label = format_html('{} <span class="tag">{}</span>', plain_label, note) if note else plain_label
        super().__init__(label=label, strip=False, **kwargs)
        self.plain_label = plain_label


def _field(parameter: Parameter, *, initial: JsonValue, note: str) -> ShownField:
    return ShownField(
        plain_label=parameter.name.replace("_", " ").capitalize(),
        note=note,
        required=_is_asked_for(parameter),
        initial=initial,
        help_text=" ".join(part for part in (parameter.help, _hint(parameter)) if part),
        widget=_widget(parameter, initial=initial),
    )


def _is_asked_for(parameter: Parameter) -> bool:
    """An empty field of a parameter with a default passes the default: only without one is it optional."""
    return parameter.required or parameter.default is not None or parameter.type is ParameterType.BOOLEAN


def _widget(parameter: Parameter, *, initial: JsonValue) -> forms.Widget:
    # Plain text fields for numbers too: a number field drops what it cannot read, and changes under the mouse wheel.
    attrs = {"data-parameter": parameter.name, "data-type": str(parameter.type), "autocomplete": "off"}
    match parameter.type:
        case ParameterType.TEXT:
            return forms.Textarea(attrs={**attrs, "rows": 3, "spellcheck": "false"})
        case ParameterType.BOOLEAN:
            return forms.CheckboxInput(attrs=attrs)
        case ParameterType.CHOICE:
            return _choices(parameter, attrs=attrs, has_initial=initial is not None)
        case ParameterType.INTEGER | ParameterType.NUMBER:
            mode = "numeric" if parameter.type is ParameterType.INTEGER and (parameter.min or 0) >= 0 else "text"
            return forms.TextInput(attrs={**attrs, "inputmode": mode, "class": "form-control short"})
        case ParameterType.STRING:
            return forms.TextInput(attrs={**attrs, "spellcheck": "false"})


def _choices(parameter: Parameter, *, attrs: dict[str, str], has_initial: bool) -> forms.Widget:
    choices = [(choice, choice) for choice in parameter.choices]
    if _is_asked_for(parameter) and len(choices) <= SHORT_LIST:
        return forms.RadioSelect(attrs=attrs, choices=choices)
    empty = (
        [] if _is_asked_for(parameter) and has_initial else [("", _("Choose …") if parameter.required else _("(none)"))]
    )
    return forms.Select(attrs=attrs, choices=[*empty, *choices])


def _hint(parameter: Parameter) -> str:
    match parameter.type, parameter.min, parameter.max:
        case ParameterType.INTEGER | ParameterType.NUMBER, float() | int() as least, float() | int() as most:
            return _("From %(least)s to %(most)s.") % {"least": f"{least:,}", "most": f"{most:,}"}
        case ParameterType.INTEGER | ParameterType.NUMBER, float() | int() as least, _other:
            return _("At least %(least)s.") % {"least": f"{least:,}"}
        case ParameterType.INTEGER | ParameterType.NUMBER, _other, float() | int() as most:
            return _("At most %(most)s.") % {"most": f"{most:,}"}
    return _("Pattern: %(pattern)s") % {"pattern": parameter.pattern} if parameter.pattern else ""


def _again(parameter: Parameter) -> ShownField:
    name = parameter.name.replace("_", " ")
    yes_or_no = parameter.type is ParameterType.BOOLEAN
    return ShownField(
        plain_label=_("%(name)s, once more") % {"name": name.capitalize()},
        required=_is_asked_for(parameter),
        help_text=_("Type yes or no.") if yes_or_no else _("So that a slip cannot start the wrong thing."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def _reason(definition: Definition, *, initial: str, note: str) -> ShownField:
    return ShownField(
        plain_label=_("Reason"),
        note=note,
        required=definition.risk is Risk.HIGH,
        initial=initial,
        help_text=_("Goes into the log and to those who are told. A ticket, an alert, a sentence."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "maxlength": 2000, "data-reason": True}),
    )


def _slug(definition: Definition) -> ShownField:
    return ShownField(
        plain_label=_("Type “%(slug)s” to go on") % {"slug": definition.slug},
        help_text=_("This runbook is of high risk."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
