"""A text field that knows what is usually written into it."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class Suggesting(forms.TextInput):
    """Offers `suggestions` in the browser's own list, which is searched by typing; anything else can be typed too."""

    def __init__(self, *, attrs: dict[str, Any] | None = None, suggestions: Iterable[str] = ()) -> None:
        super().__init__(attrs)
        self.suggestions = list(suggestions)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        attrs = dict(attrs or {})
        if not self.suggestions:
            return super().render(name, value, attrs, renderer)
        attrs["list"] = f"{attrs.get('id', name)}-list"
        options = format_html_join("", '<option value="{}"></option>', ((one,) for one in self.suggestions))
        listed = format_html('<datalist id="{}">{}</datalist>', attrs["list"], options)
        return SafeString(super().render(name, value, attrs, renderer) + listed)
