"""The fields of the form that starts a run: one typed field per parameter, and what is asked of every run."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from runbooks.domain.definition import Definition, Risk
from runbooks.domain.moments import for_field, instant_of
from runbooks.domain.parameters import MAX_VALUES_BYTES, Parameter, ParameterType, fewest
from runbooks.domain.ports import JsonValue

SHORT_LIST = 5  # choices up to this many are all shown at once
LONG_LIST = 12  # of more, one is searched for


class FileField(forms.FileInput):
    """Beside the field of the browser's own, which takes no file from anywhere, the file of an earlier run."""

    def __init__(self, *, attrs: dict[str, str], kept: JsonValue) -> None:
        super().__init__(attrs=attrs)
        self.kept = kept if isinstance(kept, dict) else None

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        reference = json.dumps(self.kept, ensure_ascii=False) if self.kept else ""
        context = {"kept": self.kept, "kept_name": name.replace("p-", "kept-", 1), "reference": reference}
        beside = render_to_string("web/run_form/_file.html", context)
        return SafeString(super().render(name, value, attrs, renderer) + beside)


class ShownField(forms.CharField):
    """Text as it was typed, with its label as plain text beside the decorated one."""

    def __init__(self, *, plain_label: str, note: str = "", **kwargs: Any) -> None:
        label = format_html('{} <span class="tag">{}</span>', plain_label, note) if note else plain_label
        super().__init__(label=label, strip=False, **kwargs)
        self.plain_label = plain_label


class NodeSelect(forms.Select):
    """The nodes that there are to choose from. One that an earlier run or a link names and that is none of them is
    shown, and can't be chosen."""

    def __init__(self, *, attrs: dict[str, str], choices: list[tuple[str, Any]], strange: str) -> None:
        there = {name for name, _label in choices}
        self.strange = strange if strange and strange not in there else ""
        label = _("%(name)s: no node that you may use here") % {"name": self.strange}
        super().__init__(attrs=attrs, choices=[*([(self.strange, label)] if self.strange else []), *choices])

    def create_option(self, name: str, value: Any, *args: Any, **more: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **more)
        if self.strange and value == self.strange:
            option["attrs"]["disabled"] = True
        return option


def parameter_field(
    parameter: Parameter, *, initial: JsonValue, note: str, nodes: Sequence[str] | None = None
) -> ShownField:
    """NODES are the names to choose from, where the parameter is a node."""
    hints = [parameter.help, _hint(parameter)]
    if parameter.type is ParameterType.NODE and not nodes:
        hints.append(_("There is no node here that you may use: its owners give the right “use” on it."))
    return ShownField(
        plain_label=parameter.name.replace("_", " ").capitalize(),
        note=note,
        required=_is_asked_for(parameter),
        initial=for_field(initial)
        if parameter.type is ParameterType.DATETIME and isinstance(initial, str)
        else initial,
        help_text=" ".join(part for part in hints if part),
        widget=_widget(parameter, initial=initial, nodes=nodes or ()),
    )


def _is_asked_for(parameter: Parameter) -> bool:
    """An empty field of a parameter with a default passes the default: only without one is it optional."""
    shown = {ParameterType.BOOLEAN, ParameterType.CHOICES}  # untouched, these pass what they show
    if parameter.type is ParameterType.CHOICES and not fewest(parameter):
        return False
    return parameter.required or parameter.default is not None or parameter.type in shown


def _widget(parameter: Parameter, *, initial: JsonValue, nodes: Sequence[str]) -> forms.Widget:  # noqa: PLR0911
    # Plain text fields for numbers too: a number field drops what it cannot read, and changes under the mouse wheel.
    attrs = {"data-parameter": parameter.name, "data-type": str(parameter.type), "autocomplete": "off"}
    match parameter.type:
        case ParameterType.BOOLEAN:
            return forms.CheckboxInput(attrs=attrs)
        case ParameterType.CHOICE:
            return _choices(parameter, attrs=attrs, has_initial=initial is not None)
        case ParameterType.NODE:
            return _node_select(parameter, attrs=attrs, initial=initial, nodes=nodes)
        case ParameterType.SECRET:
            return secret_input()
        case ParameterType.CHOICES:
            return forms.CheckboxSelectMultiple(attrs=attrs, choices=[(choice, choice) for choice in parameter.choices])
        case ParameterType.FILE:
            most = min(MAX_VALUES_BYTES, int(parameter.max or MAX_VALUES_BYTES))
            return FileField(attrs={**attrs, "data-most": str(most)}, kept=initial)
        case ParameterType.TEXT:
            return forms.Textarea(attrs={**attrs, "rows": 3, "spellcheck": "false"})
    return forms.TextInput(attrs={**attrs, **_more_attrs(parameter)})


def secret_input() -> forms.Widget:
    """Empty whenever it is shown; without the marks by which the page copies what was typed into a command."""
    return forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}, render_value=False)


def _more_attrs(parameter: Parameter) -> dict[str, str]:
    match parameter.type:
        case ParameterType.INTEGER | ParameterType.NUMBER:
            mode = "numeric" if parameter.type is ParameterType.INTEGER and (parameter.min or 0) >= 0 else "text"
            return {"inputmode": mode, "class": "form-control short"}
        case ParameterType.DATETIME:
            return {"type": "datetime-local", "step": "1", "class": "form-control short"}
    return {"spellcheck": "false"}


def _node_select(
    parameter: Parameter, *, attrs: dict[str, str], initial: JsonValue, nodes: Sequence[str]
) -> forms.Widget:
    empty = ("", _("Choose …") if _is_asked_for(parameter) else _("(none)"))
    strange = initial if isinstance(initial, str) else ""
    choices = [empty, *((name, name) for name in nodes)]
    return NodeSelect(attrs={**attrs, **_searched(nodes, parameter)}, choices=choices, strange=strange)


def _searched(choices: Sequence[object], parameter: Parameter) -> dict[str, str]:
    """Longer lists get a field above them that narrows them down, by a script."""
    if len(choices) <= LONG_LIST:
        return {}
    return {"data-searched": "required" if _is_asked_for(parameter) else "optional"}


def _choices(parameter: Parameter, *, attrs: dict[str, str], has_initial: bool) -> forms.Widget:
    choices = [(choice, choice) for choice in parameter.choices]
    if _is_asked_for(parameter) and len(choices) <= SHORT_LIST:
        return forms.RadioSelect(attrs=attrs, choices=choices)
    empty = (
        [] if _is_asked_for(parameter) and has_initial else [("", _("Choose …") if parameter.required else _("(none)"))]
    )
    return forms.Select(attrs={**attrs, **_searched(choices, parameter)}, choices=[*empty, *choices])


def _hint(parameter: Parameter) -> str:
    match parameter.type:
        case ParameterType.INTEGER | ParameterType.NUMBER:
            return _between(_shown_number(parameter.min), _shown_number(parameter.max))
        case ParameterType.FILE:
            return _("At most %(most)s bytes.") % {"most": f"{int(parameter.max or MAX_VALUES_BYTES):,}"}
        case ParameterType.CHOICES:
            least = fewest(parameter)
            return _between(_shown_number(least) if least else "", _shown_number(parameter.max), many=True)
        case ParameterType.DATETIME:
            limits = _between(_shown_moment(parameter.earliest), _shown_moment(parameter.latest))
            return " ".join(part for part in (_("In UTC."), limits) if part)
    return _("Pattern: %(pattern)s") % {"pattern": parameter.pattern} if parameter.pattern else ""


def _between(least: str, most: str, *, many: bool = False) -> str:
    limits = {"least": least, "most": most}
    if least and most:
        return (_("Choose %(least)s to %(most)s.") if many else _("From %(least)s to %(most)s.")) % limits
    if least:
        return (_("Choose at least %(least)s.") if many else _("At least %(least)s.")) % limits
    if most:
        return (_("Choose at most %(most)s.") if many else _("At most %(most)s.")) % limits
    return ""


def _shown_number(limit: float | None) -> str:
    return "" if limit is None else f"{limit:,}"


def _shown_moment(limit: str | None) -> str:
    instant = instant_of(limit) if limit else None
    return f"{instant:%Y-%m-%d %H:%M:%S}" if instant else ""


def again_field(parameter: Parameter) -> ShownField:
    name = parameter.name.replace("_", " ")
    how = {
        ParameterType.BOOLEAN: _("Type yes or no."),
        ParameterType.CHOICES: _("Type all that you have chosen, with commas between them."),
        ParameterType.FILE: _("Type the name of the file."),
        ParameterType.DATETIME: _("Type it as 2026-11-21 14:00, in UTC."),
    }
    return ShownField(
        plain_label=_("%(name)s, once more") % {"name": name.capitalize()},
        required=_is_asked_for(parameter),
        help_text=how.get(parameter.type, _("So that a slip cannot start the wrong thing.")),
        widget=secret_input()
        if parameter.type is ParameterType.SECRET
        else forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def reason_field(definition: Definition, *, initial: str, note: str) -> ShownField:
    policy = definition.policy
    usual = _("Goes into the log and to those who are told. A ticket, an alert, a sentence.")
    ticket = _("It has to hold a ticket: something that matches %(ticket)s.") % {"ticket": ", ".join(policy.tickets)}
    return ShownField(
        plain_label=_("Reason"),
        note=note,
        required=definition.risk is Risk.HIGH or policy.wants_reason,
        initial=initial,
        help_text=ticket if policy.tickets else usual,
        widget=forms.TextInput(attrs={"autocomplete": "off", "maxlength": 2000, "data-reason": True}),
    )


def slug_field(definition: Definition) -> ShownField:
    return ShownField(
        plain_label=_("Type “%(slug)s” to go on") % {"slug": definition.slug},
        help_text=_("This runbook is of high risk."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
