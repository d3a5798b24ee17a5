"""What a form offers to somebody whose right to run is limited: only values that one of their grants can cover."""

from collections.abc import Sequence
from dataclasses import replace

from runbooks.domain.coverage import never_fits
from runbooks.domain.limits import Limits, as_text
from runbooks.domain.parameters import Parameter, ParameterType
from runbooks.domain.ports import JsonValue


def offered(parameters: Sequence[Parameter], limits: Sequence[Limits]) -> tuple[Parameter, ...]:
    """LIMITS are those of the grants that one holds; without any, nothing is limited."""
    return tuple(_offered(parameter, limits) for parameter in parameters) if limits else tuple(parameters)


def _offered(parameter: Parameter, limits: Sequence[Limits]) -> Parameter:
    match parameter.type:
        case ParameterType.CHOICE | ParameterType.CHOICES:
            choices = tuple(one for one in parameter.choices if _may_fit(parameter.name, one, limits))
        case ParameterType.STRING:
            choices = _listed(parameter.name, limits)
        case _:
            choices = ()
    if not choices:
        return parameter
    kind = ParameterType.CHOICE if parameter.type is ParameterType.STRING else parameter.type
    default = parameter.default
    if isinstance(default, list):
        default = [one for one in default if one in choices] or None
    elif default not in choices:
        default = None
    needed = parameter.required or parameter.default is not None
    return replace(parameter, type=kind, choices=choices, default=default, required=needed and default is None)


def _may_fit(name: str, value: JsonValue, limits: Sequence[Limits]) -> bool:
    return any(not never_fits(one, name, value) for one in limits)


def _listed(name: str, limits: Sequence[Limits]) -> tuple[str, ...]:
    """All that may be typed, where each grant lists it."""
    lists = [one.values[name].among if name in one.values else None for one in limits]
    if any(one is None for one in lists):
        return ()
    texts = [as_text(value) for among in lists for value in among or () if _may_fit(name, value, limits)]
    return tuple(dict.fromkeys(texts))
