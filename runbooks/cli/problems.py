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
    title = str(problem.get("title") or f"The server answered {status}.")
    detail = str(problem.get("detail") or "")
    lines = [title if not detail or detail == title else f"{title.rstrip('.')}: {detail}" if title else detail]
    lines += [f"  {_field(error)}" for error in _list(problem.get("errors"))]
    lines += [f"  - {reason}" for reason in _list(problem.get("reasons"))]
    if status == 401:
        lines.append(HOW_TO_SIGN_IN)
    if status >= 500 and problem.get("request_id"):
        lines.append(f"Quote request {problem['request_id']} to whoever runs this installation.")
    return "\n".join(lines)


def _field(error: object) -> str:
    if not isinstance(error, Mapping):
        return str(error)
    return f"{error.get('pointer') or '(the whole)'}: {error.get('detail') or error.get('code') or 'not accepted'}"


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
