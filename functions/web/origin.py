"""Refuse posts to open ingest (without API keys) that a web page of another site may have caused.

A page can make its visitor's browser post to this machine. With DNS rebinding (a name that resolves to a loopback
address) the browser even treats the post as same-origin. A page can't choose Origin, Sec-Fetch-Site and Host.
"""

import ipaddress
import re

from starlette.requests import Request

from core.access.caller import ForbiddenError
from core.settings import Settings

REMEDY = "or post with INGEST_AUTH=key and a key"
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""A name or an address, and a port. A browser sends nothing else, in particular no user name."""


def refuse_foreign(request: Request, settings: Settings) -> None:
    """Refuse a post to open ingest that a web page of another site may have caused.

    Raises:
        ForbiddenError: the post is refused; the sentence names the header and the setting that would allow it.
    """
    hosts = request.headers.getlist("host")
    if len(hosts) != 1 or not _is_allowed_host(hosts[0], _split(settings.allowed_hosts)):
        raise ForbiddenError(f"Host: open ingest does not accept this name; add it to ALLOWED_HOSTS, {REMEDY}")
    origin = request.headers.get("origin")
    if origin is not None and origin in _split(settings.allowed_origins):
        return
    is_foreign = origin is not None and origin.partition("://")[2].lower() != hosts[0].lower()
    if is_foreign or request.headers.get("sec-fetch-site") == "cross-site":
        raise ForbiddenError(f"Origin: pages of other sites can't post; add the origin to ALLOWED_ORIGINS, {REMEDY}")


def _split(setting: str) -> set[str]:
    return {one.strip().lower() for one in setting.split(",")} - {""}


def is_host(text: str) -> bool:
    """Return whether a Host header is a name or an address, and optionally a port."""
    return _HOST.fullmatch(text) is not None


def _is_allowed_host(host: str, allowed: set[str]) -> bool:
    found = _HOST.fullmatch(host)
    name = found[1].strip("[]").lower() if found else ""
    return bool(name) and (name in allowed or _is_loopback(name))


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
