"""Which addresses are called, however they are written, and whatever a name leads to."""

from ipaddress import ip_address

import pytest

from runbooks.domain.addresses import BadNetwork, is_public, may_call, reached, read_allowed
from runbooks.domain.ports import AddressRefused, NotReached
from runbooks.outgoing.connecting import resolve
from runbooks.outgoing.http import CheckedHttp
from runbooks.outgoing.web_addresses import BadAddress, parsed

NOBODY = read_allowed([])

FORBIDDEN = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",  # the metadata service of most clouds
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible, long out of use
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",  # NAT64
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # the metadata service of one cloud
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "64:ff9b::1.1.1.1", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("text", FORBIDDEN)
def test_what_is_not_public_is_not_called(text: str) -> None:
    assert not may_call(address=ip_address(text), host="example.org", port=443, allowed=NOBODY)


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public_is(text: str) -> None:
    assert may_call(address=ip_address(text), host="example.org", port=443, allowed=NOBODY)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "127.1", "0", "localhost", "[::1]",
     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "169.254.169.254", "0xa9fea9fe", "[fe80::1]"],
)  # fmt: skip
def test_no_way_of_writing_an_address_gets_past(host: str) -> None:
    with pytest.raises(NotReached):  # refused, or a form that this system's resolver does not know
        CheckedHttp(allowed=NOBODY).call(method="POST", url=f"https://{host}/", headers={})


def test_the_resolver_itself_reads_odd_numbers_and_its_answer_is_what_counts() -> None:
    assert [str(address) for address in resolve("2130706433", 443)] == ["127.0.0.1"]
    assert [str(address) for address in resolve("0177.0.0.1", 443)] == ["127.0.0.1"]


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "example.org", "https://", "https:///path",
     "https://me:word@example.org/", "https://example.org@127.0.0.1/", "https://example.org\\@127.0.0.1/",
     "https://exa mple.org/", "https://example.org/\r\nX: y", "https://example.org/#part", "https://ex%61mple.org/",
     "https://example.org:99999/", "https://bücher.example/", "https://[::1/", "https://" + "a" * 3000],
)  # fmt: skip
def test_an_address_that_two_readers_might_read_in_two_ways_is_none(url: str) -> None:
    with pytest.raises(BadAddress):
        parsed(url)


def test_what_an_address_says() -> None:
    plain, odd = parsed("https://hooks.example.org"), parsed("http://[2001:db8::1]:8080/a?b=c")
    assert (plain.host, plain.port, plain.target, plain.authority) == (
        "hooks.example.org",
        443,
        "/",
        "hooks.example.org",
    )
    assert (odd.port, odd.target, odd.authority) == (8080, "/a?b=c", "[2001:db8::1]:8080")


def test_plain_http_goes_only_to_hosts_that_are_allowed_by_name() -> None:
    with pytest.raises(AddressRefused, match="https"):
        CheckedHttp(allowed=read_allowed(["10.0.0.0/8"])).call(method="POST", url="http://10.0.0.1/", headers={})


def test_the_list_of_allowed_hosts() -> None:
    allowed = read_allowed(["chat.internal", "Hooks.internal:8443", "10.20.0.0/16", "fd00::/8", "192.168.1.5"])
    calls = {
        ("10.20.3.4", "anything.example", 443): True,
        ("10.21.3.4", "anything.example", 443): False,
        ("::ffff:10.20.3.4", "anything.example", 443): True,
        ("fd00::1", "anything.example", 443): True,
        ("192.168.1.5", "anything.example", 443): True,
        ("192.168.1.6", "anything.example", 443): False,
        ("172.16.0.1", "chat.internal", 9999): True,
        ("127.0.0.1", "CHAT.internal.", 80): True,
        ("172.16.0.1", "hooks.internal", 8443): True,
        ("172.16.0.1", "hooks.internal", 443): False,
        ("169.254.169.254", "chat.internal", 443): False,  # a name in somebody's DNS is no way to the metadata service
        ("::ffff:169.254.169.254", "chat.internal", 443): False,
    }
    for (address, host, port), wanted in calls.items():
        assert may_call(address=ip_address(address), host=host, port=port, allowed=allowed) is wanted, (address, host)


def test_a_list_with_nonsense_in_it_stops_the_start() -> None:
    with pytest.raises(BadNetwork, match=r"10\.0\.0\.0/64"):
        read_allowed(["10.0.0.0/64"])


def test_an_address_inside_another_is_looked_at_too() -> None:
    assert [str(one) for one in reached(ip_address("2002:7f00:1::"))] == ["2002:7f00:1::", "127.0.0.1"]
    assert not is_public(ip_address("127.0.0.1"))
