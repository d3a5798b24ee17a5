"""Whether limits make sense as they are written."""

from collections.abc import Collection, Iterator, Mapping

from runbooks.domain.conditions import START, condition_problem
from runbooks.domain.limits import NAMES, TRIGGERS
from runbooks.domain.machines.selectors import selector_problem
from runbooks.domain.patterns import MAX_PATTERN_LENGTH, pattern_problems
from runbooks.domain.problems import Problem, pointer_to
from runbooks.domain.weekly import weekly_problems

MOST_VALUES = 100
MOST_TEXT = 1000
MOST_COUNT = 100_000
OF_RUN = frozenset(NAMES) - {"nodes"}  # these limit the right `run` alone


def limits_problems(limits: Mapping[str, object], *, rights: Collection[str]) -> Iterator[Problem]:
    for name, value in limits.items():
        pointer = pointer_to("limits", str(name))
        if name not in NAMES:
            yield Problem(pointer, "unknown_field", f"A grant can be limited by {', '.join(NAMES)}.")
        elif name == "nodes" and not {"run", "use"} & set(rights):
            yield Problem(pointer, "not_applicable", "Only the rights run and use can be limited to nodes.")
        elif name in OF_RUN and "run" not in rights:
            yield Problem(pointer, "not_applicable", "Only the right run can be limited like this.")
        else:
            yield from _problems_of(str(name), value, pointer=pointer)


def _problems_of(name: str, value: object, *, pointer: str) -> Iterator[Problem]:
    match name:
        case "values":
            yield from _values(value, pointer=pointer)
        case "when":
            wrong = condition_problem(value, vocabulary=START) if isinstance(value, str) and value else "Give CEL."
            if wrong:
                yield Problem(pointer, "invalid_condition", wrong)
        case "nodes":
            wrong = selector_problem(value) if isinstance(value, str) and value else "Give a query of tags, or CEL."
            if wrong:
                yield Problem(pointer, "invalid_condition", wrong)
        case "hours":
            yield from weekly_problems(value, pointer=pointer)
        case "triggers":
            if not isinstance(value, list) or not value or any(one not in TRIGGERS for one in value):
                yield Problem(pointer, "unknown_trigger", f"Give a list of at least one of {', '.join(TRIGGERS)}.")
        case _:
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_COUNT:
                yield Problem(pointer, "out_of_range", f"Give a whole number from 1 to {MOST_COUNT:,}.")


def _values(value: object, *, pointer: str) -> Iterator[Problem]:
    if not isinstance(value, Mapping) or not value or len(value) > MOST_VALUES:
        yield Problem(pointer, "wrong_type", "Give an object of parameters, each with in or pattern.")
        return
    for name, limit in value.items():
        at = pointer_to("limits", "values", str(name))
        if not isinstance(limit, Mapping) or set(limit) not in ({"in"}, {"pattern"}):
            yield Problem(at, "wrong_type", "Give {in: [values]} or {pattern: regular expression}.")
        elif "in" in limit:
            among = limit["in"]
            if not isinstance(among, list) or not among or len(among) > MOST_VALUES or not all(map(_is_plain, among)):
                yield Problem(at, "wrong_type", f"Give 1 to {MOST_VALUES} texts, numbers, or true and false.")
        elif not isinstance(limit["pattern"], str) or not 0 < len(limit["pattern"]) <= MAX_PATTERN_LENGTH:
            yield Problem(at, "wrong_type", f"Give a regular expression of up to {MAX_PATTERN_LENGTH} characters.")
        else:
            yield from pattern_problems(limit["pattern"], pointer=at)


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= MOST_TEXT)
