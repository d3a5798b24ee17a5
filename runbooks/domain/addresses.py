"""Which machines opsaas calls when a person names an address: public ones, and those that the installation allows."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What `is_global` of some Python versions lets pass: relays and translators, which lead to other addresses, and ranges
# that were set aside later.
NEVER_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)
TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64: an IPv4 address in the last four bytes
SIX_TO_FOUR = IPv6Network("2002::/16")  # an IPv4 address in bytes three to six


class BadNetwork(ValueError):
    """A word of the list of allowed hosts is none."""


@dataclass(frozen=True)
class Allowed:
    """Hosts that may be called although they are not public: by name, as "host" or "host:port", or by network."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def names(self, *, host: str, port: int) -> bool:
        name = host.lower().rstrip(".")
        return name in self.hosts or f"{name}:{port}" in self.hosts

    def holds(self, address: Address) -> bool:
        return any(inside in network for inside in reached(address) for network in self.networks)


NOTHING_ALLOWED = Allowed()


def read_allowed(words: Iterable[str]) -> Allowed:
    """WORDS such as "chat.internal", "hooks.internal:8443", "10.20.0.0/16". Raises BadNetwork."""
    hosts, networks = set(), []
    for word in words:
        if "/" in word or _is_address(word):
            networks.append(_network(word))
        else:
            hosts.add(word.lower().rstrip("."))
    return Allowed(frozenset(hosts), tuple(networks))


def may_call(*, address: Address, host: str, port: int, allowed: Allowed) -> bool:
    """Whether a connection to ADDRESS, which HOST has just led to, may be made.

    A host that is allowed by name may lead into private networks and to this machine, not to what has no ordinary
    address at all, such as the metadata service of a cloud: whoever needs that names the network.
    """
    if allowed.holds(address):
        return True
    if allowed.names(host=host, port=port):
        return not any(one.is_link_local or one.is_multicast or one.is_unspecified for one in reached(address))
    return all(is_public(one) for one in reached(address))


METADATA = IPv6Address("fd00:ec2::254")  # of a cloud; its others are link-local ones of IPv4


def may_be_node(address: Address) -> bool:
    """Scripts go to machines of one's own networks, so private addresses are fine. What tells a machine its secrets,
    and what no machine has, are not."""
    return not any(
        one.is_multicast or one.is_unspecified or one == METADATA or (one.version == 4 and one.is_link_local)
        for one in reached(address)
    )


def is_public(address: Address) -> bool:
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address in network for network in NEVER_PUBLIC)


def reached(address: Address) -> tuple[Address, ...]:
    """Where a packet for ADDRESS may arrive: an IPv6 address can carry one of IPv4 in it."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    packed = address.packed
    if address in TRANSLATED:
        return (IPv4Address(packed[12:]),)
    if address in SIX_TO_FOUR:
        return (address, IPv4Address(packed[2:6]))
    return (address,)


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True


def _network(word: str) -> Network:
    try:
        return ip_network(word)
    except ValueError:
        raise BadNetwork(f"{word} is no network such as 10.20.0.0/16") from None
