"""Keeping secrets out of what scripts print: a stream of bytes in, the same stream with `***` for each secret out.

Linear in the length of the stream, flat in memory, and without delay: only an end that begins a form of a secret is
held back until more comes. What is found first, and longest, is masked; how the stream was cut changes nothing.

RE2 looks for the first bytes of every form at once; what they belong to is compared only where they were found.
"""

from collections import defaultdict
from collections.abc import Iterable

import re2

from runbooks.domain.secrecy.secret_forms import SHORTEST_FORM, forms_of

MASK = b"***"
ANCHOR = 16  # so many bytes of a form are looked for
MAX_MEMORY = 64 * 1024 * 1024  # of the compiled anchors
MARKER = b"::add-mask::"
MOST_MARKED = 200  # masks that one script may add while it runs
LONGEST_MARKED = 64 * 1024  # bytes of one
TOO_MANY = b"[opsaas: this mask was not added: %d masks of up to %d bytes are allowed]\n" % (
    MOST_MARKED,
    LONGEST_MARKED,
)


class Masker:
    """Not thread-safe."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: set[bytes] = set()
        self._by_anchor: dict[bytes, list[bytes]] = {}
        self._beginnings: set[bytes] = set()  # of anchors, shorter than these
        self._lengths: tuple[int, ...] = ()
        self._pattern: re2._Regexp | None = None
        self._stale = False
        self._held = b""
        self.found = 0  # how many were masked so far
        for value in values:
            self.add(value)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def add(self, value: str | bytes) -> None:
        """From now on, and in what is held back, this is masked too."""
        if isinstance(value, bytes):
            self._forms.add(value)
            value = value.decode("utf-8", "replace")
        self._forms |= forms_of(value)
        self._stale = True

    def feed(self, data: bytes) -> bytes:
        """What may be shown by now."""
        return self._masked(data, final=False)

    def finish(self) -> bytes:
        """What was held back until the end."""
        return self._masked(b"", final=True)

    def beside(self) -> "Masker":
        """Another one for the same secrets, and for another stream."""
        other = Masker()
        other._forms, other._stale = set(self._forms), True
        return other

    def whole(self, text: str) -> str:
        """A text by itself, aside from the stream."""
        if not self._forms:
            return text
        aside, self._held = self._held, b""
        try:
            return self._masked(text.encode("utf-8", "surrogatepass"), final=True).decode("utf-8", "replace")
        finally:
            self._held = aside

    def _masked(self, data: bytes, *, final: bool) -> bytes:
        data, self._held = self._held + data, b""
        if not self._forms or not data:
            return data
        self._compile()
        shown, at = [], 0
        while True:
            start, length = self._next(data, at, final)
            shown.append(data[at:start])
            if not length:
                break
            shown.append(MASK)
            self.found += 1
            at = start + length
        self._held = data[start:]
        return b"".join(shown)

    def _next(self, data: bytes, at: int, final: bool) -> tuple[int, int]:
        """Where the next form begins and its length; 0 where its end, if it is one, is still to come."""
        assert self._pattern is not None
        size, looked_at = len(data), at
        while True:
            found = self._pattern.search(data, looked_at)
            start: int = found.start() if found else size
            if not final:
                for early in range(max(at, size - ANCHOR + 1), start):
                    if data[early:] in self._beginnings:
                        return early, 0
            if found is None:
                return size, 0
            if not final and self._goes_on(data, start):
                return start, 0
            if length := self._length(data, start):
                return start, length
            looked_at = start + 1

    def _goes_on(self, data: bytes, start: int) -> bool:
        """Whether the rest of DATA begins a form that is longer."""
        rest = len(data) - start
        if rest < ANCHOR and data[start:] in self._beginnings:
            return True
        return any(
            len(form) > rest and form.startswith(data[start:])
            for length in self._lengths
            for form in self._by_anchor.get(data[start : start + length], ())
        )

    def _length(self, data: bytes, start: int) -> int:
        """Of the longest form that stands there."""
        there = (
            len(form)
            for length in self._lengths
            for form in self._by_anchor.get(data[start : start + length], ())
            if data.startswith(form, start)
        )
        return max(there, default=0)

    def _compile(self) -> None:
        if not self._stale:
            return
        by_anchor = defaultdict(list)
        for form in self._forms:
            by_anchor[form[:ANCHOR]].append(form)
        self._by_anchor = dict(by_anchor)
        self._beginnings = {anchor[:end] for anchor in by_anchor for end in range(1, len(anchor))}
        self._lengths = tuple(sorted({len(anchor) for anchor in by_anchor}))
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem, options.log_errors, options.never_capture = MAX_MEMORY, False, True
        pattern = b"|".join(b"".join(b"\\x%02x" % byte for byte in anchor) for anchor in sorted(by_anchor))
        self._pattern = re2._Regexp(pattern, options)  # re2.compile would remember it after the secret has gone
        self._stale = False


class Redactor:
    """A masker that obeys lines `::add-mask::VALUE`: the rest of the stream is masked for VALUE too, and the line
    itself is not shown."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.masker = Masker(values)
        self._held = b""  # the beginning of a line that may be a marker
        self._in_line = False  # what comes next stands within a line
        self._dropping = False  # within a marker line that is too long
        self._marked = 0

    def feed(self, data: bytes) -> bytes:
        data, self._held = self._held + data, b""
        shown = []
        while data:
            if self._dropping:
                _, end, data = data.partition(b"\n")
                self._dropping = not end
                continue
            plain, marker, data = self._split(data)
            if plain:
                shown.append(self.masker.feed(plain))
                self._in_line = not plain.endswith(b"\n")
            if marker:
                shown.append(self._obey(marker))
        return b"".join(shown)

    def finish(self) -> bytes:
        last, self._held = self._held, b""
        if last.startswith(MARKER):
            return self._obey(last) + self.masker.finish()
        return self.masker.feed(last) + self.masker.finish()

    def _split(self, data: bytes) -> tuple[bytes, bytes, bytes]:
        """What is before the next marker line, that line, and the rest. What may become one is held."""
        at = self._marker(data)
        if at < 0:
            plain, self._held = self._without_beginning(data)
            return plain, b"", b""
        end = data.find(b"\n", at)
        if end >= 0:
            return data[:at], data[at:end], data[end + 1 :]
        if len(data) - at > LONGEST_MARKED + len(MARKER):
            self._dropping = True
            return data[:at], data[at:], b""
        self._held = data[at:]
        return data[:at], b"", b""

    def _marker(self, data: bytes) -> int:
        if not self._in_line and data.startswith(MARKER):
            return 0
        at = data.find(b"\n" + MARKER)
        return at + 1 if at >= 0 else -1

    def _without_beginning(self, data: bytes) -> tuple[bytes, bytes]:
        last = data.rfind(b"\n") + 1
        if (last or not self._in_line) and last < len(data) and MARKER.startswith(data[last:]):
            return data[:last], data[last:]
        return data, b""

    def _obey(self, line: bytes) -> bytes:
        value = line.removeprefix(MARKER).removesuffix(b"\r")
        if len(value.strip()) < SHORTEST_FORM:
            return b""  # it would black out the whole log
        if self._marked == MOST_MARKED or self._dropping:
            return self.masker.feed(TOO_MANY)
        self._marked += 1
        self.masker.add(value)
        return b""
