"""What is public is nothing else by any other reckoning, and what is not may be allowed by its network alone."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.events.webhooks.addresses import Address, is_allowed, is_public, is_within, read_address

FOURS = st.integers(0, 2**32 - 1).map(IPv4Address)
SIXES = st.integers(0, 2**128 - 1).map(IPv6Address)
GLOBAL_SIXES = st.integers(0x2 << 124, (0x4 << 124) - 1).map(IPv6Address)
ADDRESSES = FOURS | SIXES | GLOBAL_SIXES
REFUSED = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
    *("192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4"),
    *("240.0.0.0/4", "::/96", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16"),
    *("3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
]
"""From IANA's registries of addresses for special purposes, and what was deprecated there."""
SPECIAL = list(map(ip_network, REFUSED))


@given(ADDRESSES)
def test_what_is_public_has_no_other_purpose(address: Address) -> None:
    if is_public(address):
        assert not any(address in network for network in SPECIAL)
        assert not address.is_private


@pytest.mark.parametrize("text", REFUSED)
def test_a_network_for_a_special_purpose_is_refused_from_its_first_to_its_last_address(text: str) -> None:
    network = ip_network(text)
    assert not is_public(network[0])
    assert not is_public(network[-1])
    assert not is_public(network[network.num_addresses // 2])


@pytest.mark.parametrize(
    "text",
    [
        *("1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"),
        *("168.63.129.15", "168.63.129.17", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"),
        *("198.17.255.255", "198.20.0.0", "223.255.255.255", "2000::", "2001:200::", "2001:db7::", "2003::"),
        *("3ffe::", "3fff:1000::"),
    ],
)
def test_beside_those_networks_addresses_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(FOURS)
def test_behind_a_translator_an_address_is_what_it_is_without(address: IPv4Address) -> None:
    translated = IPv6Address(int(IPv6Address("64:ff9b::")) + int(address))
    assert is_public(translated) == is_public(address)
    assert not is_public(IPv6Address(f"::ffff:{address}"))
    assert not is_public(IPv6Address((0x2002 << 112) | (int(address) << 80)))


@given(SIXES | GLOBAL_SIXES)
def test_an_address_with_a_zone_leads_nowhere(address: IPv6Address) -> None:
    zoned = IPv6Address(f"{address}%eth0")
    assert not is_allowed(zoned, [IPv6Network("::/0"), IPv4Network("0.0.0.0/0")])


@given(ADDRESSES, st.integers(0, 128))
def test_a_network_allows_its_own_addresses_and_changes_nothing_for_others(address: Address, bits: int) -> None:
    network = ip_network((address, min(bits, address.max_prefixlen)), strict=False)
    assert is_within(address, [network])
    assert is_allowed(address, [network])
    flipped = type(address)(int(address) ^ 1)
    assert is_allowed(flipped, [network]) == (is_public(flipped) or flipped in network)
    assert is_allowed(address, []) == is_public(address)


@given(ADDRESSES)
def test_an_address_is_read_in_its_usual_spelling(address: Address) -> None:
    assert read_address(str(address)) == address


@pytest.mark.parametrize("text", ["hooks.example", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "", "1.2.3.4.5"])
def test_what_is_no_address_is_a_name(text: str) -> None:
    assert read_address(text) is None
