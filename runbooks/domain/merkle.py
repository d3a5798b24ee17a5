"""The hash tree of RFC 6962 (and 9162) over the leaves of the log: roots and proofs.

Whoever has the hashes of complete subtrees hands in a `Complete`; nothing here knows where they are kept.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

Complete = Callable[[int, int], bytes]  # (bits, index): the hash over leaves [index << bits, (index + 1) << bits)
EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(body: bytes) -> bytes:
    """RFC 6962, 2.1: the hash of a leaf."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def folded(hashes: Sequence[bytes]) -> bytes:
    """The root over the hashes of neighbours, of which there are a power of two."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def root(size: int, complete: Complete) -> bytes:
    return _over(0, size, complete) if size else EMPTY_ROOT


def inclusion_proof(*, seq: int, size: int, complete: Complete) -> list[bytes]:
    """RFC 6962, 2.1.1: what leads from the leaf to the root of the first SIZE leaves, lowest first."""
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if seq < middle:
            path.append(_over(middle, end, complete))
            end = middle
        else:
            path.append(_over(start, middle, complete))
            start = middle
    return path[::-1]


def consistency_proof(*, old: int, new: int, complete: Complete) -> list[bytes]:
    """RFC 6962, 2.1.2: that the first OLD leaves are still the first of NEW. Empty where there is nothing to prove."""
    if old in (0, new):
        return []
    path, start, end, whole = [], 0, new, True
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_over(middle, end, complete))
            end = middle
        else:
            path.append(_over(start, middle, complete))
            start, whole = middle, False
    if not whole:
        path.append(_over(start, end, complete))
    return path[::-1]


def root_of_inclusion(*, seq: int, size: int, leaf: bytes, proof: Iterable[bytes]) -> bytes | None:
    """The root that the proof leads to (RFC 9162, 2.1.3.2); None where its length can't be right."""
    if not 0 <= seq < size:
        return None
    at, last, found = seq, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def _over(start: int, end: int, complete: Complete) -> bytes:
    """The root over leaves START to END, START being aligned as RFC 6962's own splitting leaves it."""
    parts, at = [], start
    while at < end:
        bits = (end - at).bit_length() - 1
        parts.append(complete(bits, at >> bits))
        at += 1 << bits
    found = parts.pop()
    while parts:
        found = node_hash(parts.pop(), found)
    return found


def _split(count: int) -> int:
    """The largest power of two below COUNT."""
    return 1 << ((count - 1).bit_length() - 1)
