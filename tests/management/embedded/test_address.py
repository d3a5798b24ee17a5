import socket

import pytest

from runbooks.management.embedded import address


def test_a_taken_port_is_told_in_one_sentence_with_a_way_out() -> None:
    with socket.socket() as other:
        other.bind((address.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(address.AddressError, match=rf"Port {port} can't be used: it is taken .* OPSAAS_PORT="):
            address.listen(port)


def test_a_port_that_does_not_exist_is_told_too() -> None:
    with pytest.raises(address.AddressError, match="Port 70000 can't be used: there is no such port"):
        address.listen(70000)


def test_callers_wait_at_the_address_before_anything_serves_it() -> None:
    with address.listen(0) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection((address.HOST, port), timeout=2):
            pass
        assert listening.get_inheritable()


def test_only_this_machine_reaches_the_address() -> None:
    with address.listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
