"""Forms about endpoints and about how one is told. Secrets that were typed are never sent back."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from runbooks.domain.notices import EVENTS
from runbooks.models import EndpointKind
from runbooks.web.acting import ActForm

KINDS = [
    (EndpointKind.WEBHOOK, _("Webhook: JSON, signed as Standard Webhooks has it")),
    (EndpointKind.SLACK, _("Slack, or what takes the same: Mattermost, Rocket.Chat …")),
    (EndpointKind.PEOPLE, _("People, each by the ways that they chose")),
    (EndpointKind.APPRISE, _("Any service of Apprise; only for the installation")),
]
ADDRESS_HELP = _(
    "https://… of the server; for people owners, auditors, requester, user:NAME or group:SLUG. Of a Slack or Apprise"
    " address only the host or the service is shown from then on."
)
EVENT_CHOICES = [(name, event.title) for name, event in EVENTS.items()]
SECRET_KINDS = (EndpointKind.SLACK, EndpointKind.APPRISE)


class SecretLine(forms.TextInput):
    """Empty whenever it is shown."""

    def __init__(self) -> None:
        super().__init__({"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"})

    def format_value(self, value: Any) -> str | None:
        return None


class NewEndpointForm(ActForm):
    pointers: ClassVar[dict[str, str]] = {}

    place = forms.ChoiceField(label=_("About"), help_text=_("What happens there, and in all that is in it."))
    kind = forms.ChoiceField(label=_("What kind"), choices=KINDS, widget=forms.RadioSelect)
    title = forms.CharField(label=_("Title"), max_length=200, help_text=_("Who reads there, in one line."))
    slug = forms.CharField(
        label=_("Slug"),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("What runbooks call it: lower-case letters, digits and hyphens. Never given twice."),
    )
    address = forms.CharField(label=_("Address"), max_length=2000, help_text=ADDRESS_HELP)
    events = forms.MultipleChoiceField(
        label=_("Told of"),
        choices=EVENT_CHOICES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A way of your own is told what you are told, whatever is chosen here."),
    )
    secret = forms.CharField(
        label=_("Signing secret"),
        max_length=200,
        required=False,
        widget=SecretLine(),
        help_text=_("Of a webhook: whsec_… Leave it empty and one is made, and shown once."),
    )

    def __init__(self, *args: Any, places: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        field = self.fields["place"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = places
        typed = SecretLine() if self.data.get("kind") in SECRET_KINDS else forms.TextInput({"autocomplete": "off"})
        self.fields["address"].widget = typed

    def chosen(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        return {**given, "events": []} if given["place"] == "me" else given


class EndpointForm(ActForm):
    """What is left empty stays as it is."""

    pointers: ClassVar[dict[str, str]] = {}

    title = forms.CharField(label=_("Title"), max_length=200)
    address = forms.CharField(
        label=_("New address"), max_length=2000, required=False, widget=SecretLine(), help_text=_("Empty: it stays.")
    )
    secret = forms.CharField(
        label=_("New signing secret"),
        max_length=200,
        required=False,
        widget=SecretLine(),
        help_text=_("Empty: it stays."),
    )
    events = forms.MultipleChoiceField(
        label=_("Told of"), choices=EVENT_CHOICES, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, kind: str, of_person: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        if kind != EndpointKind.WEBHOOK:
            del self.fields["secret"]
        if of_person:
            del self.fields["events"]


class ChoiceForm(ActForm):
    pace = forms.ChoiceField(
        label=_("How soon"),
        choices=[
            ("at_once", _("At once")),
            ("hourly", _("Together, each hour")),
            ("daily", _("Together, at 07:00 UTC")),
        ],
        help_text=_("What waits for your approval, and the kill switch, always come at once."),
    )
    requested = forms.ChoiceField(
        label=_("Of runs that I ask for"),
        choices=[
            ("never", _("Nothing")),
            ("problems", _("Whatever did not succeed")),
            ("always", _("Every end")),
        ],
    )
    by_email = forms.BooleanField(label=_("By e-mail"), required=False)
    endpoints = forms.MultipleChoiceField(
        label=_("By my own endpoints"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, own: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        field = self.fields["endpoints"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = own
        if not own:
            del self.fields["endpoints"]
