"""A script's output without its secrets, as a server would store it."""

from runbooks.domain.ports import OutputSink
from runbooks.domain.secrecy.redaction import Redactor


class MaskedSink:
    """An `OutputSink` before another one. Obeys `::add-mask::` lines too, and does not show them."""

    def __init__(self, sink: OutputSink, redactor: Redactor) -> None:
        self._sink, self._redactor = sink, redactor

    def write(self, data: bytes) -> None:
        if shown := self._redactor.feed(data):
            self._sink.write(shown)

    def finish(self) -> None:
        if rest := self._redactor.finish():
            self._sink.write(rest)
