"""Forms behind acts: what a use-case refuses becomes the form's errors, so that nothing typed is lost."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar

from django import forms
from django.http import HttpRequest, QueryDict

from runbooks.access.actors import Actor
from runbooks.access.fetch import NotAllowed
from runbooks.audit.denials import tell_the_log
from runbooks.domain.problems import Invalid, Problem
from runbooks.usecases.conflict import Conflict


class ActForm(forms.Form):
    """`pointers` maps the first word of a problem's pointer to a field, where the two differ."""

    pointers: ClassVar[Mapping[str, str]] = {}
    refused_with = 0
    problems: tuple[Problem, ...] = ()

    @property
    def status(self) -> int:
        """Of the answer that shows this form."""
        return self.refused_with or (422 if self.errors else 200)

    def refuse(self, *, status: int, problems: list[tuple[str | None, str]]) -> None:
        self.refused_with = status
        for field, text in problems:
            self.add_error(field, text)

    def field_of(self, problem: Problem) -> str | None:
        word = problem.pointer.strip("/").partition("/")[0]
        name = self.pointers.get(word, word)
        return name if name in self.fields else None


@contextmanager
def refusals_shown_in(form: ActForm, *, actor: Actor, now: datetime) -> Iterator[None]:
    """Around the one call of a use-case; after a refusal the code goes on behind the block, with the form to show."""
    try:
        yield
    except Invalid as error:
        form.problems = error.problems
        form.refuse(status=422, problems=[(form.field_of(problem), problem.detail) for problem in error.problems])
    except Conflict as error:
        form.refuse(status=409, problems=[(None, str(error))])
    except NotAllowed as error:
        tell_the_log(error=error, actor=actor, now=now)
        form.refuse(status=403, problems=[(None, reason) for reason in error.reasons])


def posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None
