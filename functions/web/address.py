"""The address of a client, for what is counted by address: of the connection, or as a trusted proxy says."""

import ipaddress
from collections.abc import Iterator

from starlette.requests import HTTPConnection

from core.settings import Settings

IPV6_PREFIX = 64
"""Bits that one customer's IPv6 addresses share: counting single addresses would count nothing."""
UNKNOWN = "unknown"


def find_address(connection: HTTPConnection, settings: Settings) -> str:
    """Return the client's address; of IPv6, its network of 64 bits.

    X-Forwarded-For counts only on a connection from one of TRUSTED_PROXIES. Each proxy appends where its own connection
    came from, so the last address that is no trusted proxy's is the client's; what stands before it, the client chose.
    """
    peer = connection.client.host if connection.client else ""
    trusted = settings.proxy_networks
    for address in _list_hops(peer, connection.headers.getlist("x-forwarded-for")):
        if not any(address in network for network in trusted):
            return _shorten(address)
    return peer or UNKNOWN


def _list_hops(peer: str, forwarded: list[str]) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """List the hops, the nearest first, up to one that is no address."""
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
