"""Which addresses may be dialled. Pure: the verdict depends on the address, the host and the operator's list.

The verdict is on the address that is really dialled, after DNS: names, integer and octal spellings and
IPv6 wrappings of IPv4 cannot get past it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class AddressKind(StrEnum):
    """How far an address reaches. `LOOPBACK` and `PRIVATE` need a trusted host; the rest but `PUBLIC` are never dialled."""

    PUBLIC = "public"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    LINK_LOCAL = "link-local"
    METADATA = "cloud metadata"
    UNSPECIFIED = "unspecified"
    MULTICAST = "multicast"
    RESERVED = "reserved"


_TRUSTABLE = frozenset({AddressKind.LOOPBACK, AddressKind.PRIVATE})

# Where clouds serve credentials: AWS, Azure and most others; AWS on IPv6; Google on IPv6; Alibaba;
# Oracle's older one; Azure's wire server, whose address looks public.
_METADATA: frozenset[Address] = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
    )
)
_PRIVATE: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # shared address space of carriers and of overlay networks (RFC 6598)
        "198.18.0.0/15",  # benchmarks, in practice used as private space (RFC 2544)
        "fc00::/7",
        "fec0::/10",  # site-local, deprecated and still routed inside (RFC 3879)
        "64:ff9b:1::/48",  # local NAT64: where it leads only its network knows (RFC 8215)
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = IPv6Network("::/96")
_TEREDO = IPv6Network("2001::/32")


@dataclass(frozen=True)
class Allow:
    """The operator's exceptions (`EGRESS_ALLOW`): networks by address, hosts by name."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Allow:
        """Read CIDRs, addresses and host names. ValueError names the entry that is none of them."""
        networks: list[Network] = []
        hosts: set[str] = set()
        for entry in (raw.strip() for raw in entries):
            if not entry:
                continue
            try:
                networks.append(ip_network(entry, strict=False))
            except ValueError:
                host = entry.lower().rstrip(".")
                if not host or not all(c.isalnum() or c in "-._" for c in host):
                    raise ValueError(
                        f"{entry!r} is neither a network, an address nor a host name"
                    ) from None
                hosts.add(host)
        return cls(tuple(networks), frozenset(hosts))

    def permits(self, address: Address, host: str) -> bool:
        if host in self.hosts:
            return True
        return any(address in network for network in self.networks)


@dataclass(frozen=True)
class Refusal:
    """Why an address is not dialled. `message` is a clause that completes "refused: "."""

    kind: AddressKind
    message: str


@dataclass(frozen=True)
class Guard:
    """The policy on addresses.

    Loopback and private ones are dialled for a trusted host only; link-local, metadata, unspecified,
    multicast and reserved ones never; `allow` lifts either.
    """

    allow: Allow = field(default_factory=Allow)

    def decide(
        self, address: str, *, host: str, is_trusted: bool, is_redirect: bool = False
    ) -> Refusal | None:
        """Say why `address`, dialled for `host` (canonical, see `urls.host_of`), is refused; None when it is not."""
        parsed, kind = classify(address)
        if kind is AddressKind.PUBLIC or (is_trusted and kind in _TRUSTABLE):
            return None
        if self.allow.permits(parsed, host):
            return None
        return Refusal(kind, _explain(parsed, kind, host, is_redirect))


@lru_cache(maxsize=4096)
def classify(address: str) -> tuple[Address, AddressKind]:
    """Return the address behind its IPv6 wrapping, and its kind. ValueError when it is no address."""
    outer = ip_address(address.partition("%")[0])
    inner = _unwrap(outer)
    return inner, _kind(inner)


def _unwrap(address: Address) -> Address:
    """Return the IPv4 address inside a mapped, compatible, NAT64, 6to4 or Teredo one."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or (address in _V4_COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _kind(address: Address) -> AddressKind:
    if address in _METADATA:
        return AddressKind.METADATA
    if address.is_link_local:
        return AddressKind.LINK_LOCAL
    if address.is_unspecified or (isinstance(address, IPv4Address) and int(address) < 1 << 24):
        return AddressKind.UNSPECIFIED
    if address.is_loopback:
        return AddressKind.LOOPBACK
    if address.is_multicast:
        return AddressKind.MULTICAST
    if any(address in network for network in _PRIVATE):
        return AddressKind.PRIVATE
    if address in _TEREDO or address.is_reserved or not address.is_global:
        return AddressKind.RESERVED
    return AddressKind.PUBLIC


def _explain(address: Address, kind: AddressKind, host: str, is_redirect: bool) -> str:
    where = f"a redirect leads to {host}" if is_redirect else host
    leads = "" if host == str(address) else f" at {address}"
    article = "an" if kind is AddressKind.UNSPECIFIED else "a"
    if kind in _TRUSTABLE:
        why = f"{article} {kind} address, which only a host written in the configuration may have"
    else:
        why = f"{article} {kind} address, which is never dialled"
    return f"{where}{leads}, {why} (EGRESS_ALLOW makes exceptions)"
