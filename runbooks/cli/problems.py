"""What a server's refusal says to the person at the keyboard."""

from collections.abc import Mapping

from runbooks.cli.failures import ERROR, NOT_SIGNED_IN, Failure

HOW_TO_SIGN_IN = "Sign in with `opsaas login`, or put a token into OPSAAS_TOKEN."


class Refused(Failure):
    """The server answered, and the answer is no (RFC 9457 where it is opsaas that speaks)."""

    def __init__(self, *, status: int, problem: Mapping[str, object]) -> None:
        super().__init__(explain(status, problem), exit_code=NOT_SIGNED_IN if status == 401 else ERROR)
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the same request may well be answered a moment later."""
        return self.status in (408, 429) or self.status >= 500


def not_signed_in(url: str) -> Failure:
    return Failure(f"You are not signed in to {url}. {HOW_TO_SIGN_IN}", exit_code=NOT_SIGNED_IN)


def explain(status: int, problem: Mapping[str, object]) -> str:
    """The problem in lines: what, then each field or reason on a line of its own, then how to go on."""
    errors, reasons = _list(problem.get("errors")), _list(problem.get("reasons"))
    title = str(problem.get("title") or f"The server answered {status}.")
    detail = _beyond(str(problem.get("detail") or ""), [title, *reasons, *map(_sentence, errors)])
    lines = [f"{title.rstrip('.')}: {detail}" if detail else title]
    lines += [f"  {_pointer(error)}: {_sentence(error)}" for error in errors]
    lines += [f"  - {reason}" for reason in reasons]
    if status == 401:
        lines.append(HOW_TO_SIGN_IN)
    if status >= 500 and problem.get("request_id"):
        lines.append(f"Quote request {problem['request_id']} to whoever runs this installation.")
    return "\n".join(lines)


def _beyond(detail: str, told: list[object]) -> str:
    """DETAIL, unless it says only what is told anyway."""
    rest = detail
    for sentence in told:
        rest = rest.replace(str(sentence), "")
    return detail if rest.strip() else ""


def _pointer(error: object) -> str:
    return str((error.get("pointer") if isinstance(error, Mapping) else "") or "(the whole)")


def _sentence(error: object) -> str:
    return str(error.get("detail") or error.get("code") or "not accepted") if isinstance(error, Mapping) else str(error)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
