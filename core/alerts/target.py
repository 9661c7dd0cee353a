"""The target of a webhook: which URLs are accepted, and which addresses may be connected to.

A user chooses the URL, and Thunder may run next to hosts that trust it. Names are therefore checked after they are
resolved, on the address that is then connected to (core/alerts/send.py).
"""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from core.errors import InvalidInputError
from core.settings import Networks

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

HTTPS_PORT, HTTP_PORT = 443, 80
FIRST_USER_PORT = 1024

_CHARACTERS = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\.?")
"""The last label of a host that programs read as an IPv4 address in some notation."""

# IANA's registries of special-purpose addresses, because ipaddress.is_global depends on the version of Python.
_SPECIAL_V4 = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 "
    "168.63.129.16/32"  # Azure's metadata, the only service of this kind at a public address
)
_SPECIAL_V6 = "2001::/23 2001:db8::/32 3fff::/20"
_SPECIAL = tuple(ipaddress.ip_network(one) for one in f"{_SPECIAL_V4} {_SPECIAL_V6}".split())
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class BlockedTargetError(Exception):
    """The target of a webhook must not be connected to; the message is for the owner of the alert."""


class Target(NamedTuple):
    """A parsed URL. The host is a name in lower case or an address, without brackets; the path includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        standard = HTTPS_PORT if self.scheme == "https" else HTTP_PORT
        return shown if self.port == standard else f"{shown}:{self.port}"


def parse_target(url: str) -> Target:
    """Parse the URL of a webhook strictly, so that no other program can read another host in it.

    Raises:
        InvalidInputError: the URL is not valid.
    """
    if not _CHARACTERS.fullmatch(url):
        raise InvalidInputError("url: has a character that a URL can't contain; escape it, and write the host as xn--…")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInputError("url: not valid; write https://host/path") from None
    if parts.scheme not in ("https", "http") or not parts.netloc:
        raise InvalidInputError("url: not valid; write https://host/path")
    if "@" in parts.netloc:
        raise InvalidInputError("url: contains a user name or password; put a secret into the path or the query")
    if "#" in url:
        raise InvalidInputError("url: contains a fragment, which is never sent; remove it")
    host = _check_host(parts.netloc, parts.hostname or "")
    if port is None:
        port = HTTPS_PORT if parts.scheme == "https" else HTTP_PORT
    if port == 0:
        raise InvalidInputError("url: port 0 doesn't exist; write another port")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def _check_host(netloc: str, host: str) -> str:
    """Return the host, if it is a name or an address in its usual notation."""
    if netloc.startswith("["):
        try:
            # A zone names an interface of this machine. With a second %, an address with a zone is not valid.
            return str(ipaddress.IPv6Address(host + "%" * ("%" in host)))
        except ValueError:
            raise InvalidInputError(
                "url: not an IPv6 address; write it without a zone, as https://[2001:db8::1]/"
            ) from None
    if _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise InvalidInputError("url: not an IPv4 address; write it as four decimal numbers") from None
    if not _NAME.fullmatch(host) or len(host) > 253:
        raise InvalidInputError("url: not a host name; write it in ASCII, as xn--… if necessary")
    return host


def check_target(url: str, allowed: Networks) -> Target:
    """Check a URL when an alert is created: everything that is known before its name is resolved.

    Raises:
        InvalidInputError: the URL is not valid, or could never be connected to.
    """
    target = parse_target(url)
    try:
        address = ipaddress.ip_address(target.host)
    except ValueError:
        address = None
    try:
        if address is not None:
            check_address(target, address, allowed)
        elif not allowed:
            _require_public(target)
    except BlockedTargetError as error:
        raise InvalidInputError(f"url: {error}") from None
    return target


def check_address(target: Target, address: Address, allowed: Networks) -> None:
    """Check that a target may be connected to at an address.

    Raises:
        BlockedTargetError: the address is not public and in no network of WEBHOOK_ALLOW, or the target is not HTTPS.
    """
    plain = _unmap(address)
    if any(one in network for network in allowed for one in (address, plain) if one.version == network.version):
        return
    if not is_public(address):
        raise BlockedTargetError(
            "the host has a private or reserved address; an operator can list its network in WEBHOOK_ALLOW"
        )
    _require_public(target)


def _require_public(target: Target) -> None:
    if target.scheme != "https":
        raise BlockedTargetError("http is accepted only for networks in WEBHOOK_ALLOW; use https")
    if target.port != HTTPS_PORT and target.port < FIRST_USER_PORT:
        raise BlockedTargetError(f"port {target.port} is reserved for another protocol; use 443, or 1024 and above")


def is_public(address: Address) -> bool:
    """Return whether an address is a host on the internet, including the IPv4 address that an IPv6 address embeds."""
    if any(address in network for network in _SPECIAL if network.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    embedded = _find_embedded(address)
    return address in _GLOBAL_V6 if embedded is None else is_public(embedded)


def _unmap(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


def _find_embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address in a mapped, 6to4 or NAT64 address. Other kinds that embed one are not public anyway."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
