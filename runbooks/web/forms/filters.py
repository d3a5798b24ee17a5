"""Filter bars. They live in the address: what is wrong in it is shown beside its field and filters nothing."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from runbooks.domain.states import RunStatus
from runbooks.queries.catalog import Facets
from runbooks.web.vocabulary import WORDS


class Filters(forms.Form):
    """Every filter is optional."""

    use_required_attribute = False

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, auto_id="filter_%s")

    def asked(self) -> dict[str, str]:
        """The filters that are sound, by name."""
        self.full_clean()
        return {name: str(self.cleaned_data.get(name) or "") for name in self.fields}


class CatalogFilters(Filters):
    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "autofocus": True,
                "autocomplete": "off",
                "spellcheck": "false",
                "placeholder": _("A symptom, an alert, a title, a command in a step"),
            }
        ),
    )

    def __init__(self, data: QueryDict, *, facets: Facets) -> None:
        super().__init__(data)
        for name, label, words in [
            ("tag", _("Tag"), facets.tags),
            ("alert", _("Alert"), facets.alerts),
            ("project", _("Project"), facets.projects),
        ]:
            if len(words) > 1 or self.data.get(name):
                self.fields[name] = _choice(label, _with(words, str(self.data.get(name, ""))))


class RunFilters(Filters):
    runbook = forms.CharField(
        label=_("Runbook or project"),
        required=False,
        max_length=130,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "placeholder": "demo/disk-pressure"}),
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[
            ("", _("Any")),
            ("open", _("Not ended yet")),
            *((str(status), WORDS[status].label) for status in RunStatus),
        ],
    )
    mine = forms.ChoiceField(label=_("Started by"), required=False, choices=[("", _("Anyone")), ("1", _("Me"))])


def _choice(label: Any, words: Iterable[str]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[("", _("Any")), *((word, word) for word in words)])


def _with(words: tuple[str, ...], asked: str) -> tuple[str, ...]:
    """What an address asks for is offered, so that the bar says what is filtered by."""
    return words if asked in {"", *words} else (asked, *words)
