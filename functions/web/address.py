"""Find the address of a client, for limits per address: the peer's, or the one that a trusted proxy reports."""

import ipaddress
from collections.abc import Iterator
from functools import lru_cache

from starlette.requests import HTTPConnection

from core.settings import Networks

IPV6_PREFIX = 64
"""Prefix length that all IPv6 addresses of one customer share. A limit per single address would have no effect."""
MAX_PEERS = 1024
"""Peers whose addresses are kept."""
UNKNOWN = "unknown"


def find_address(connection: HTTPConnection, trusted: Networks) -> str:
    """Return the client's address; for IPv6, its /64 network.

    X-Forwarded-For is read only on connections from trusted proxies (TRUSTED_PROXIES). Each proxy appends the address
    of its own peer, so the last address that is not a trusted proxy is the client's. The client can forge the addresses
    before it.
    """
    peer = connection.client.host if connection.client else ""
    forwarded = connection.headers.getlist("x-forwarded-for")
    if not forwarded:
        return find_peer_address(peer, trusted) or peer or UNKNOWN
    for address in _list_hops(peer, forwarded):
        if not any(address in network for network in trusted):
            return _shorten(address)
    return peer or UNKNOWN


@lru_cache(MAX_PEERS)
def find_peer_address(host: str, trusted: Networks) -> str | None:
    """Return the address of a connection's peer; for IPv6, its /64 network. None for a trusted proxy."""
    address = next(_list_hops(host, []), None)
    if address is None or any(address in network for network in trusted):
        return None
    return _shorten(address)


def _list_hops(peer: str, forwarded: list[str]) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Yield the hops, nearest first, up to the first invalid address."""
    for text in (peer, *reversed(",".join(forwarded).split(","))):
        try:
            address = ipaddress.ip_address(text.strip())
        except ValueError:
            return
        yield getattr(address, "ipv4_mapped", None) or address


def _shorten(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
