"""What channels over HTTP share: one POST, and what its answer means."""

from collections.abc import Mapping

from runbooks.domain.ports import AddressRefused, Answer, NotDelivered, NotReached, Outgoing, Receipt

SHOWN_CHARACTERS = 1000
GONE = 410  # Standard Webhooks: the receiver wants no more


def post(outgoing: Outgoing, *, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
    """Raises NotDelivered for whatever is not a success; a redirect is none."""
    try:
        answer = outgoing.call(
            method="POST", url=url, headers={"Content-Type": "application/json", **headers}, body=body
        )
    except AddressRefused as error:
        raise NotDelivered(str(error), for_good=True) from error
    except NotReached as error:
        raise NotDelivered(str(error)) from error
    said = _beginning(answer)
    if 200 <= answer.status < 300:
        return Receipt(answer.status, said)
    raise NotDelivered(_why(answer.status), code=answer.status, said=said, for_good=answer.status == GONE)


def _why(status: int) -> str:
    if 300 <= status < 400:
        return f"The server answered {status}, a redirect, which is not followed: give the address that it leads to."
    return f"The server answered {status}."


def _beginning(answer: Answer) -> str:
    """Whatever the bytes are, text that can be stored and shown."""
    return answer.body.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")[:SHOWN_CHARACTERS]
