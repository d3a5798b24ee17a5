"""What a plain word of YAML stands for: the core schema of YAML 1.2 (section 10.3.2), and nothing older.

`on`, `yes` and dates are text here; `010` is ten.
"""

import re

from runbooks.domain.syntax.json_tree import MAX_NUMBER, NOT_FINITE, OUT_OF_RANGE, Unreadable

Scalar = str | int | float | bool | Unreadable | None

_FIXED: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), NOT_FINITE),
    **{sign + word: NOT_FINITE for sign in ("", "-", "+") for word in (".inf", ".Inf", ".INF")},
}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o([0-7]+)")
_HEXADECIMAL = re.compile(r"0x([0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def plain_value(word: str) -> Scalar:
    """The value of a word without quotes."""
    if word in _FIXED:
        return _FIXED[word]
    if _DECIMAL.fullmatch(word):
        sign, digits = ("-" if word[0] == "-" else ""), word.lstrip("+-").lstrip("0") or "0"
        return _integer(sign + digits, 10)
    if found := _OCTAL.fullmatch(word):
        return _integer(found[1].lstrip("0") or "0", 8)
    if found := _HEXADECIMAL.fullmatch(word):
        return _integer(found[1].lstrip("0") or "0", 16)
    if _FLOAT.fullmatch(word):
        return float(word)
    return word


def quoted_value(text: str) -> str:
    r"""The text between quotes. JSON's spelling of an emoji, "\ud83d\ude00", is joined, as JSON is YAML too."""
    return _SURROGATE_PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


def _integer(digits: str, base: int) -> Scalar:
    """Without reading numbers of a million digits only to refuse them."""
    return int(digits, base) if len(digits) <= len(f"{MAX_NUMBER:o}") else OUT_OF_RANGE
