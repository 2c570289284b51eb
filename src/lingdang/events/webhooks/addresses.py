"""Which addresses webhooks may go to: public ones, and those of the networks that a setting names.

Public is what is listed here as such, rather than what nothing is known against: the standard library's `is_global`
takes multicast, site-local addresses and what a translator carries for public.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
"""Of networks without IPv4: the last 32 bits are the address that is meant."""

_REFUSED: tuple[Network, ...] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' own
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's platform, from inside its machines
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "2001::/23",  # Teredo, benchmarks, ORCHID
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "3fff::/20",
        ),
    )
)


def is_public(address: Address) -> bool:
    """Whether it leads to the public Internet, as far as its digits tell."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.scope_id is not None or address not in _GLOBAL_UNICAST:
            return False
    return not any(address in network for network in _REFUSED)


def is_allowed(address: Address, networks: Iterable[Network]) -> bool:
    """Whether webhooks may go there: it is public, or in one of the networks."""
    return is_public(address) or is_within(address, networks)


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether it is in one of the networks. A link's address with a zone is in none."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    return any(address in network for network in networks)


def read_address(text: str) -> Address | None:
    """The address that a text is, in the one usual spelling of its kind; None for a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None
