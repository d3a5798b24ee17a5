"""Forms of the pages about machines: fields are text here, and become what `domain.nodes.clean_node` checks."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from runbooks.domain.machines.nodes import DEFAULT_PORT, DEFAULT_USER
from runbooks.models import Node, Secret
from runbooks.usecases.nodes.credentials import NAMES as SIGN_IN
from runbooks.web.acting import ActForm
from runbooks.web.forms.filters import Filters
from runbooks.web.forms.suggesting import Suggesting

PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
SHARED = ""
ORDER = ("host", "port", "user", *SIGN_IN, "jump", "zone", "tags", "attributes")


class NodeFilters(Filters):
    q = forms.CharField(
        label=_("Nodes"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(
            attrs={**PLAIN, "type": "search", "placeholder": _('role=worker !drained, or CEL: name.startsWith("web")')}
        ),
    )
    state = forms.ChoiceField(
        label=_("Which"), required=False, choices=[("", _("In service")), ("archived", _("Archived"))]
    )


@dataclass(frozen=True)
class Choices:
    """What a form about a node offers."""

    secrets: Iterable[Secret]  # in the order of their projects; by name only
    hops: Iterable[str]  # names of the nodes to go through
    projects: Iterable[tuple[str, Any]] = ()


class SignIn(ActForm):
    """By which secrets nodes are signed in to: chosen by name, never shown."""

    private_key = forms.ChoiceField(
        label=_("Private key"), required=False,
        help_text=_("The secret that holds it. Offered are those that you may use; nobody is shown the key."),
    )  # fmt: skip
    password = forms.ChoiceField(
        label=_("Password"), required=False,
        help_text=_("Where there is no key, or in place of one that the machine does not take."),
    )  # fmt: skip

    def offer(self, secrets: Iterable[Secret]) -> None:
        secrets = list(secrets)
        for name in SIGN_IN:
            _field(self, name).choices = _secret_choices(secrets, kept=str(self.initial.get(name, "")))
        if not secrets:
            self.fields[SIGN_IN[0]].help_text = _("There is no secret here that you may use: make one under Secrets.")

    def sign_in(self) -> dict[str, str]:
        """Paths of the secrets, as far as they are other than before; empty ones take a secret away."""
        sent = [name for name in SIGN_IN if name in self.data]
        return {name: self.cleaned_data[name] for name in sent if name in self.changed_data}


class NodeForm(SignIn):
    """Of a node that is there already: its name and project stay."""

    pointers: ClassVar[dict[str, str]] = {"host_keys": "host_key"}
    field_order: Iterable[str] | None = ORDER

    host = forms.CharField(
        label=_("Host"), max_length=255, required=False, widget=forms.TextInput(attrs=PLAIN),
        help_text=_("DNS name or address; the node's name where it is left empty."),
    )  # fmt: skip
    port = forms.IntegerField(label=_("Port"), initial=DEFAULT_PORT, min_value=1, max_value=65535)
    user = forms.CharField(
        label=_("Account"), max_length=64, initial=DEFAULT_USER, widget=forms.TextInput(attrs=PLAIN),
        help_text=_("Who the scripts run as on the machine."),
    )  # fmt: skip
    tags = forms.CharField(
        label=_("Tags"), required=False, widget=forms.TextInput(attrs={**PLAIN, "placeholder": "web role=worker"}),
        help_text=_("Words, with spaces between them."),
    )  # fmt: skip
    attributes = forms.CharField(
        label=_("Attributes"), required=False,
        widget=forms.Textarea(attrs={**PLAIN, "rows": 3, "placeholder": "env=production"}),
        help_text=_("One name=value a line."),
    )  # fmt: skip
    zone = forms.CharField(
        label=_("Zone"), required=False, max_length=64, widget=forms.TextInput(attrs=PLAIN),
        help_text=_("Whose workers reach it; empty: any worker."),
    )  # fmt: skip
    jump = forms.CharField(
        label=_("Through"), required=False, max_length=200, widget=Suggesting(attrs=PLAIN),
        help_text=_("The jump host: name of the node to go through, where it can't be reached directly."),
    )  # fmt: skip

    def __init__(self, *args: Any, offered: Choices, **more: Any) -> None:
        super().__init__(*args, **more)
        self.offer(offered.secrets)
        hops = self.fields["jump"].widget
        assert isinstance(hops, Suggesting)
        hops.suggestions = list(offered.hops)

    def clean_attributes(self) -> dict[str, str]:
        attributes = {}
        for line in self.cleaned_data["attributes"].splitlines():
            name, equals, value = line.partition("=")
            if not equals and line.strip():
                raise forms.ValidationError(_("Write one name=value a line."))
            if equals:
                attributes[name.strip()] = value.strip()
        return attributes

    def described(self) -> dict[str, Any]:
        """As `clean_node` takes it."""
        given = self.cleaned_data
        fields = {name: given[name] for name in ("port", "user", "attributes", "zone", "jump")}
        fields["tags"] = [word for word in re.split(r"[,\s]+", given["tags"]) if word]
        return {**fields, "host": given["host"]} if given["host"] else fields


class NewNodeForm(NodeForm):
    field_order = ("project", "name", "host", "port", "host_key", *ORDER)

    project = forms.ChoiceField(label=_("Project"), required=False)
    name = forms.CharField(
        label=_("Name"), max_length=200, widget=forms.TextInput(attrs={**PLAIN, "autofocus": True}),
        help_text=_("Never given twice, also after the node has been archived."),
    )  # fmt: skip
    host_key = forms.CharField(
        label=_("Host key"), required=False, max_length=20_000,
        widget=forms.TextInput(attrs={**PLAIN, "placeholder": "ssh-ed25519 AAAA…"}),
        help_text=_("If you know it, from /etc/ssh/ssh_host_ed25519_key.pub on the machine. Else accept it once seen."),
    )  # fmt: skip

    def __init__(self, *args: Any, offered: Choices, **more: Any) -> None:
        super().__init__(*args, offered=offered, **more)
        _offer_projects(self, offered.projects)

    def described(self) -> dict[str, Any]:
        key = self.cleaned_data["host_key"].strip()
        return {**super().described(), "name": self.cleaned_data["name"], **({"host_keys": [key]} if key else {})}


class ImportForm(SignIn):
    pointers: ClassVar[dict[str, str]] = {"nodes": "text"}

    project = forms.ChoiceField(label=_("Project"), required=False)
    text = forms.CharField(
        label=_("Nodes"),
        widget=forms.Textarea(
            attrs={
                **PLAIN,
                "rows": 12,
                "class": "form-control mono",
                "placeholder": "- {name: web1, host: 10.0.0.1, tags: [web]}",
            }
        ),
        help_text=_("YAML or JSON: a list of nodes, or what an inventory script of Ansible prints with --list."),
    )

    field_order = ("project", "text", *SIGN_IN)

    def __init__(self, *args: Any, offered: Choices, **more: Any) -> None:
        super().__init__(*args, **more)
        _offer_projects(self, offered.projects)
        self.offer(offered.secrets)
        for name in SIGN_IN:
            _field(self, name).label = f"{_field(self, name).label} {_('of all of them')}"


def shown_fields(node: Node) -> dict[str, Any]:
    """A node as the form shows it."""
    return {
        "host": node.host, "port": node.port, "user": node.user, "tags": " ".join(node.tags),
        "attributes": "\n".join(f"{name}={value}" for name, value in node.attributes.items()),
        "zone": node.zone, "jump": node.jump.name if node.jump else "",
        "private_key": node.private_key.path if node.private_key else "",
        "password": node.password.path if node.password else "",
    }  # fmt: skip


def _field(form: forms.Form, name: str) -> forms.ChoiceField:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    return field


def _offer_projects(form: forms.Form, projects: Iterable[tuple[str, Any]]) -> None:
    """Only who may add shared nodes can leave the project out."""
    field = _field(form, "project")
    field.choices = list(projects)
    field.required = SHARED not in dict(field.choices)


def _secret_choices(secrets: Iterable[Secret], *, kept: str) -> list[tuple[str, Any]]:
    """Under the names of their projects. One that is set already may stay, whoever may use it."""
    offered = {
        project: [(secret.path, f"{secret.title} ({secret.path})") for secret in of_it]
        for project, of_it in groupby(secrets, key=lambda secret: secret.project.title)
    }
    known = {path for group in offered.values() for path, _label in group}
    stays = [(kept, kept)] if kept and kept not in known else []
    return [("", _("(none)")), *stays, *offered.items()]
