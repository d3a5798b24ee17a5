"""Forms about secrets. What was typed as a value is never sent back, not even beside an error."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from runbooks.domain.secrecy.secret_values import LONGEST_BYTES
from runbooks.web.acting import ActForm

LONGEST_DESCRIPTION = 4000


class ValueInput(forms.Textarea):
    """Several lines, as keys have; no history, no spelling service, and empty whenever it is shown."""

    def __init__(self) -> None:
        super().__init__(
            {
                "rows": 3,
                "autocomplete": "off",
                "spellcheck": "false",
                "class": "form-control mono",
                "autocapitalize": "off",
            }
        )

    def format_value(self, value: Any) -> str | None:
        return None


class ValueField(forms.CharField):
    def __init__(self, **more: Any) -> None:
        super().__init__(strip=False, max_length=LONGEST_BYTES, widget=ValueInput(), **more)

    def clean(self, value: Any) -> Any:
        """Browsers post every line break as CR LF, which no key has."""
        return super().clean(value).replace("\r\n", "\n")


class SecretFilters(forms.Form):
    q = forms.CharField(label=_("Name or title"), required=False, widget=forms.SearchInput())
    state = forms.ChoiceField(
        label=_("Which"), required=False, choices=[("", _("In use")), ("all", _("All, archived ones too"))]
    )


class RotateForm(ActForm):
    value = ValueField(
        label=_("New value"), help_text=_("Counts from the next step on that gets it. The present one is destroyed.")
    )


class NewSecretForm(ActForm):
    pointers: ClassVar[dict[str, str]] = {}

    project = forms.ChoiceField(label=_("Project"))
    slug = forms.CharField(
        label=_("Slug"),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
        help_text=_("What runbooks call it: lower-case letters, digits and hyphens. Never given twice."),
    )
    title = forms.CharField(label=_("Title"), max_length=200, help_text=_("What it opens, in one line."))
    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=LONGEST_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Where it comes from, and how to make a new one. Everybody in the project can read this."),
    )
    value = ValueField(label=_("Value"), help_text=_("Nobody reads it back, here or anywhere. At least 4 bytes."))

    def __init__(self, *args: Any, projects: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        field = self.fields["project"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = projects
