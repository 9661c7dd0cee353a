"""Where ingest is open, no key says who posts: what a browser sends for a page of another site is refused.

A page can make its visitor's browser post to this machine, and, by a name that it lets resolve to a loopback address
(DNS rebinding), even as if the page came from here. Browsers do not let it choose Origin, Sec-Fetch-Site or Host.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

from core.access.caller import ForbiddenError
from core.settings import Settings

REMEDY = "or post with INGEST_AUTH=key and a key"


def refuse_foreign(request: Request, settings: Settings) -> None:
    """Refuse a post to open ingest that a foreign web page may have caused.

    Raises:
        ForbiddenError: the sentence names the header, and the setting that would allow it.
    """
    hosts = request.headers.getlist("host")
    if len(hosts) != 1 or not _is_allowed_host(hosts[0], _split(settings.allowed_hosts)):
        raise ForbiddenError(f"Host: open ingest is not served under this name; list it in ALLOWED_HOSTS, {REMEDY}")
    if "content-type" not in request.headers:
        raise ForbiddenError("Content-Type: missing; open ingest needs application/json or application/x-ndjson")
    origin = request.headers.get("origin")
    if origin is not None and origin in _split(settings.allowed_origins):
        return
    is_foreign = origin is not None and origin.partition("://")[2].lower() != hosts[0].lower()
    if is_foreign or request.headers.get("sec-fetch-site") == "cross-site":
        raise ForbiddenError(f"Origin: another site's page may not post; list its origin in ALLOWED_ORIGINS, {REMEDY}")


def _split(setting: str) -> set[str]:
    return {one.strip().lower() for one in setting.split(",")} - {""}


def _is_allowed_host(host: str, allowed: set[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return bool(name) and (name in allowed or _is_loopback(name))


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
