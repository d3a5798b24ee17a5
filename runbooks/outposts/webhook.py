"""One POST per parcel: a checkpoint as it was signed, events as JSON lines. Its own signature is what proves it."""

from runbooks.domain.outposts import NotKept, Parcel
from runbooks.domain.ports import NotReached, Outgoing


class WebhookOutpost:
    def __init__(self, outgoing: Outgoing, *, url: str) -> None:
        self._outgoing, self._url = outgoing, url

    def keep(self, parcel: Parcel) -> None:
        kind = "text/plain; charset=utf-8" if parcel.note else "application/jsonl"
        text = parcel.note or "".join(f"{line}\n" for line in parcel.lines)
        headers = {"Content-Type": kind, "Opsaas-Parcel": parcel.name}
        try:
            answer = self._outgoing.call(
                method="POST", url=self._url, headers=headers, body=text.encode("utf-8", "surrogateescape")
            )
        except NotReached as error:
            raise NotKept(str(error)) from error
        if not 200 <= answer.status < 300:
            raise NotKept(f"The server answered {answer.status}.")
