"""What a posted HTML form means, in JSON values."""

import re
from collections.abc import Mapping, Sequence

from runbooks.domain import moments
from runbooks.domain.parameters import Parameter, ParameterType
from runbooks.domain.ports import JsonValue

_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,16}")
_DECIMAL_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_TICKED = {"on": True, "true": True, "false": False, "off": False, "": False}


def values_from_form(parameters: Sequence[Parameter], fields: Mapping[str, Sequence[str]]) -> dict[str, JsonValue]:
    """FIELDS are all that was posted under each name; what cannot be converted stays text for clean_values to refuse.

    An empty field is no value, but for text that has a default: who empties such a field means the empty text. Likewise
    who unticks all choices of those that have a default means none of them.
    """
    values: dict[str, JsonValue] = {}
    for parameter in parameters:
        posted = list(fields.get(parameter.name, ()))
        last = posted[-1] if posted else None
        if parameter.type is ParameterType.BOOLEAN:
            values[parameter.name] = _TICKED.get(last or "", last)
        elif parameter.type is ParameterType.CHOICES:
            if posted or parameter.default is not None:
                values[parameter.name] = posted
        elif last or (last == "" and _may_be_emptied(parameter)):
            values[parameter.name] = _from_field(parameter, last)
    return values


def _may_be_emptied(parameter: Parameter) -> bool:
    texts = {ParameterType.STRING, ParameterType.TEXT}
    return parameter.type in texts and parameter.default is not None


def _from_field(parameter: Parameter, posted: str) -> JsonValue:
    match parameter.type:
        case ParameterType.TEXT | ParameterType.SECRET:
            return posted.replace("\r\n", "\n")  # browsers post every line break of a text area as CRLF
        case ParameterType.INTEGER if _WHOLE_NUMBER.fullmatch(posted.strip()):
            return int(posted)
        case ParameterType.NUMBER if _WHOLE_NUMBER.fullmatch(posted.strip()):
            return int(posted)
        case ParameterType.NUMBER if _DECIMAL_NUMBER.fullmatch(posted.strip()):
            return float(posted)
        case ParameterType.DATETIME:
            return moments.from_field(posted)
    return posted
