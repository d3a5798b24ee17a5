"""The tags and parts of the one visual language."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django import forms
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone

from runbooks.domain.states import RunStatus, StepStatus, VersionState
from runbooks.web.durations import duration
from runbooks.web.vocabulary import WORDS


def rendered(source: str, **context: object) -> str:
    return Template("{% load ui %}" + source).render(Context(context))


def test_every_status_has_one_word() -> None:
    assert {*RunStatus, *StepStatus, *VersionState} == set(WORDS)


def test_no_two_statuses_of_one_kind_look_alike() -> None:
    for kind in (RunStatus, StepStatus, VersionState):
        looks = [(WORDS[value].icon, WORDS[value].tone) for value in kind]
        assert len(looks) == len(set(looks))


def test_a_status_is_a_word_with_an_icon_that_is_silent() -> None:
    html = rendered("{% status 'timed_out' %}")
    assert "Timed out" in html
    assert 'aria-hidden="true"' in html
    assert 'data-status="timed_out"' in html


def test_a_moment_is_relative_and_exact_in_utc() -> None:
    html = rendered("{% when moment %}", moment=timezone.now() - timedelta(minutes=3, seconds=10))
    assert ">3 minutes ago</time>" in html
    moment = datetime(2026, 11, 21, 14, 5, 6, tzinfo=UTC)
    assert "2026-11-21 14:05:06 UTC</time>" in rendered("{% when moment 'absolute' %}", moment=moment)
    assert 'datetime="2026-11-21T14:05:06.000Z"' in rendered("{% when moment %}", moment=moment)


def test_no_moment_is_a_dash() -> None:
    assert "\u2013" in rendered("{% when nothing %}", nothing=None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (12, "12 s"), (60, "1 min"), (185, "3 min 5 s"), (7440, "2 h 4 min"), (180000, "2 d 2 h")],
)
def test_lengths_of_time_read_as_in_the_browser(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_query_keeps_the_other_filters() -> None:
    request = RequestFactory().get("/runs", {"status": "failed", "cursor": "abc"})
    assert rendered("{% query cursor='' %}", request=request) == "?status=failed"


def test_markup_in_a_value_stays_text() -> None:
    assert "<b>" not in rendered("{{ value|plain }}", value="<b>bold</b>")
    assert "<b>" not in rendered("{% markdown value %}", value="<b>bold</b>")


def test_a_refused_action_is_disabled_and_tells_the_reasons() -> None:
    decision = SimpleNamespace(allowed=False, reasons=["You wrote this version."])
    html = render_to_string("web/parts/action.html", {"id": "publish", "label": "Publish", "decision": decision})
    assert 'aria-disabled="true" aria-describedby="publish-why"' in html
    assert 'id="publish-why">You wrote this version.' in html
    assert 'type="submit"' not in html


class _Form(forms.Form):
    host = forms.CharField(help_text="As in the inventory.")


def test_a_wrong_field_is_tied_to_its_help_and_its_error() -> None:
    html = render_to_string("web/parts/form.html", {"form": _Form({})})
    assert 'aria-describedby="id_host-help id_host-error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_host-error"' in html


@pytest.mark.parametrize("name", ["400.html", "403.html", "404.html", "500.html"])
def test_error_pages_need_nothing_from_the_view(name: str) -> None:
    assert "<h1>" in render_to_string(name, request=RequestFactory().get("/nowhere") if name != "500.html" else None)


def test_a_refusal_page_lists_the_reasons() -> None:
    html = render_to_string("403.html", {"reasons": ["The project is frozen."]}, request=RequestFactory().get("/"))
    assert "<li>The project is frozen.</li>" in html
