"""Which addresses may be dialled."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.egress.guard import AddressKind, Allow, Guard, classify

GUARD = Guard()


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("93.184.216.34", AddressKind.PUBLIC),
        ("2606:4700:4700::1111", AddressKind.PUBLIC),
        ("127.0.0.1", AddressKind.LOOPBACK),
        ("127.255.255.254", AddressKind.LOOPBACK),
        ("::1", AddressKind.LOOPBACK),
        ("10.1.2.3", AddressKind.PRIVATE),
        ("172.31.255.255", AddressKind.PRIVATE),
        ("172.32.0.1", AddressKind.PUBLIC),
        ("192.168.0.1", AddressKind.PRIVATE),
        ("100.64.0.1", AddressKind.PRIVATE),
        ("100.128.0.1", AddressKind.PUBLIC),
        ("198.18.0.1", AddressKind.PRIVATE),
        ("fd12:3456::1", AddressKind.PRIVATE),
        ("fec0::1", AddressKind.PRIVATE),
        ("64:ff9b:1::a00:1", AddressKind.PRIVATE),
        ("169.254.1.1", AddressKind.LINK_LOCAL),
        ("fe80::1%eth0", AddressKind.LINK_LOCAL),
        ("169.254.169.254", AddressKind.METADATA),
        ("fd00:ec2::254", AddressKind.METADATA),
        ("fd20:ce::254", AddressKind.METADATA),
        ("100.100.100.200", AddressKind.METADATA),
        ("168.63.129.16", AddressKind.METADATA),
        ("0.0.0.0", AddressKind.UNSPECIFIED),
        ("0.1.2.3", AddressKind.UNSPECIFIED),
        ("::", AddressKind.UNSPECIFIED),
        ("224.0.0.1", AddressKind.MULTICAST),
        ("ff02::1", AddressKind.MULTICAST),
        ("240.0.0.1", AddressKind.RESERVED),
        ("255.255.255.255", AddressKind.RESERVED),
        ("192.0.2.1", AddressKind.RESERVED),
        ("2001:db8::1", AddressKind.RESERVED),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", AddressKind.RESERVED),
        ("::ffff:127.0.0.1", AddressKind.LOOPBACK),
        ("::ffff:169.254.169.254", AddressKind.METADATA),
        ("::7f00:1", AddressKind.LOOPBACK),
        ("64:ff9b::7f00:1", AddressKind.LOOPBACK),
        ("64:ff9b::a9fe:a9fe", AddressKind.METADATA),
        ("64:ff9b::5db8:d822", AddressKind.PUBLIC),
        ("2002:7f00:1::", AddressKind.LOOPBACK),
        ("2002:a00:1::5", AddressKind.PRIVATE),
    ],
)
def test_each_address_has_its_kind_also_when_it_is_wrapped(address: str, kind: AddressKind) -> None:
    assert classify(address)[1] is kind


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "fd00::1", "100.64.0.1"])
def test_a_private_address_needs_a_trusted_host(address: str) -> None:
    assert GUARD.decide(address, host="intra", is_trusted=True) is None
    assert GUARD.decide(address, host="intra", is_trusted=False) is not None


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.7.7", "fe80::1", "fd00:ec2::254", "0.0.0.0", "224.0.0.1"],
)
def test_link_local_and_metadata_addresses_are_refused_also_for_a_trusted_host(
    address: str,
) -> None:
    assert GUARD.decide(address, host="intra", is_trusted=True) is not None


@pytest.mark.parametrize(
    ("entry", "address", "host"),
    [
        ("169.254.0.0/16", "169.254.169.254", "metadata.local"),
        ("10.0.0.5", "10.0.0.5", "a.example"),
        ("10.0.0.0/8", "::ffff:10.9.9.9", "a.example"),
        ("fd00::/8", "fd00::7", "a.example"),
        ("Hooks.Intra.", "10.0.0.9", "hooks.intra"),
    ],
)
def test_the_operators_list_makes_exceptions_by_network_and_by_name(
    entry: str, address: str, host: str
) -> None:
    guard = Guard(Allow.parse([entry]))

    assert guard.decide(address, host=host, is_trusted=False) is None
    assert guard.decide("192.168.3.3", host="other.example", is_trusted=False) is not None


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "http://intra", "a b", "host:80"])
def test_an_exception_that_is_neither_network_nor_name_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a network"):
        Allow.parse([entry])


def test_a_refusal_says_what_the_host_is_and_that_a_redirect_led_there() -> None:
    plain = GUARD.decide("10.0.0.5", host="intra.example", is_trusted=False)
    hopped = GUARD.decide("127.0.0.1", host="127.0.0.1", is_trusted=False, is_redirect=True)

    assert plain is not None
    assert "intra.example at 10.0.0.5, a private address" in plain.message
    assert hopped is not None
    assert "a redirect leads to 127.0.0.1, a loopback address" in hopped.message


@given(st.ip_addresses(v=4))
def test_wrapping_an_ipv4_address_in_ipv6_never_makes_it_reach_further(
    address: IPv4Address,
) -> None:
    bits = int(address)
    wrapped = [
        IPv6Address((0xFFFF << 32) | bits),
        IPv6Address((0x64FF9B << 96) | bits),
        IPv6Address((0x2002 << 112) | (bits << 80)),
    ]

    kinds = {classify(str(each))[1] for each in wrapped}

    assert kinds == {classify(str(address))[1]}


@given(st.ip_addresses())
def test_what_the_standard_library_calls_private_is_never_dialled_for_a_stranger(
    address: IPv4Address | IPv6Address,
) -> None:
    refusal = GUARD.decide(str(address), host="stranger.example", is_trusted=False)

    if not ip_address(str(address)).is_global:
        assert refusal is not None or classify(str(address))[0] != address
