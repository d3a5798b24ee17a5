"""Envelopes: what opens them, and all that does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbooks.domain.secrecy.sealing import BadKeys, CannotOpen, Keyring, Sealed, new_key, read_keyring, rewrap, seal
from runbooks.domain.secrecy.unsealing import unseal

KEYS = read_keyring([new_key()])


@given(text=st.text(st.characters(codec="utf-8")), context=st.text(st.characters(codec="utf-8")))
def test_what_was_sealed_opens_where_it_belongs(text: str, context: str) -> None:
    assume_encodable = text.encode("utf-8", "replace").decode()
    assert (
        unseal(seal(assume_encodable, context=context, keyring=KEYS), context=context, keyring=KEYS) == assume_encodable
    )


def test_an_envelope_does_not_open_in_another_place() -> None:
    sealed = seal("hunter2", context="secret 1 row 1", keyring=KEYS)
    with pytest.raises(CannotOpen):
        unseal(sealed, context="secret 2 row 1", keyring=KEYS)


def test_no_byte_of_an_envelope_can_be_changed() -> None:
    sealed = seal("hunter2", context="here", keyring=KEYS)
    broken = [replace(sealed, content=other) for other in spoilt(sealed.content)]
    broken += [replace(sealed, wrapped_key=other) for other in spoilt(sealed.wrapped_key)]
    for other in broken:
        with pytest.raises(CannotOpen):
            unseal(other, context="here", keyring=KEYS)


def spoilt(whole: bytes) -> list[bytes]:
    return [b"", *(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole)))]


def test_the_same_value_never_looks_the_same_twice() -> None:
    one, other = (seal("hunter2", context="here", keyring=KEYS) for _ in range(2))
    assert not {one.wrapped_key, one.content} & {other.wrapped_key, other.content}


def test_an_older_key_still_opens_and_a_new_one_takes_over() -> None:
    old, new = new_key(), new_key()
    sealed = seal("hunter2", context="here", keyring=read_keyring([old]))
    both = read_keyring([new, old])
    assert unseal(sealed, context="here", keyring=both) == "hunter2"
    again = rewrap(sealed, context="here", keyring=both)
    assert again.content == sealed.content
    assert unseal(again, context="here", keyring=read_keyring([new])) == "hunter2"


def test_without_its_key_nothing_opens_and_the_answer_names_the_key() -> None:
    sealed = seal("hunter2", context="here", keyring=KEYS)
    with pytest.raises(CannotOpen, match=sealed.key_id):
        unseal(sealed, context="here", keyring=read_keyring([new_key()]))


@pytest.mark.parametrize("words", [[], ["short"], ["!" * 43], [new_key(), new_key()[:-2]]])
def test_what_is_no_key_is_refused_without_being_repeated(words: list[str]) -> None:
    with pytest.raises(BadKeys) as refusal:
        read_keyring(words)
    assert not any(word in str(refusal.value) for word in words)


def test_keys_do_not_show_themselves() -> None:
    key = new_key()
    ring = read_keyring([key])
    assert isinstance(ring, Keyring)
    assert key not in f"{ring!r} {ring}"
    assert "hunter2" not in repr(Sealed("k", b"", b""))
