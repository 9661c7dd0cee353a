"""Read the API key of a request, or the cookie of a signed-in browser.

A browser sends the cookie with every request to this host, whichever page causes it: cookies ignore ports, so
SameSite=Strict does not exclude the pages of another server on this machine. The cookie therefore counts only if the
browser reports that the request comes from a page of this origin. A page can't choose Sec-Fetch-Site and Origin.
"""

import base64
import binascii
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection
from starlette.responses import Response

from core.access.hasher import Hasher
from core.access.sign_in_token import SignInToken
from core.access.sign_ins import LIFETIME_S

COOKIE_PREFIX = "thunder-"


async def read_key(connection: HTTPConnection) -> str | None:
    """Return the key of a request.

    It is in X-API-Key, else the Bearer token, else the password of Basic (user:key@host), else the cookie.
    """
    given = _decode(connection.headers.get("x-api-key", "")) or _read_authorization(connection)
    return given or next(iter(await read_cookies(connection)), None)


async def read_cookies(connection: HTTPConnection) -> list[SignInToken]:
    """Return the tokens in this instance's cookies; an empty list unless a page of this origin caused the request.

    While the secret is rotated, there may be a second one, from before the rotation.
    """
    if COOKIE_PREFIX not in connection.headers.get("cookie", "") or not comes_from_own_page(connection):
        return []
    tokens = map(connection.cookies.get, await _name_cookies(connection))
    return [SignInToken(token) for token in tokens if token]


def comes_from_own_page(connection: HTTPConnection) -> bool:
    """Return whether the browser reports that a page of this origin caused the request.

    Browsers omit Sec-Fetch-Site on plain HTTP, except on this machine; they send Origin there with every request but
    simple reads.
    """
    sites, origins, hosts = map(connection.headers.getlist, ("sec-fetch-site", "origin", "host"))
    if sites:
        return sites == ["same-origin"]
    if len(origins) != 1 or len(hosts) != 1:
        return False
    scheme, _, place = origins[0].partition("://")
    return scheme in ("http", "https") and place.lower() == hosts[0].lower()


async def set_cookie(connection: HTTPConnection, response: Response, token: str | None) -> None:
    """Add the cookie with a token to a response; None deletes the cookie. One from before a rotation is deleted.

    It is Secure if the page uses HTTPS. The Origin shows this even if a proxy ends TLS.
    """
    present, *previous = await _name_cookies(connection)
    for name, value in {present: token, **dict.fromkeys(previous)}.items():
        response.set_cookie(
            name,
            value or "",
            max_age=LIFETIME_S if value else 0,
            secure=connection.headers.get("origin", "").startswith("https:"),
            httponly=True,
            samesite="strict",
        )


async def _name_cookies(connection: HTTPConnection) -> list[str]:
    """Return the name of the cookie and, while the secret is rotated, the one before.

    A name contains the instance, so that two servers on one host keep separate cookies.
    """
    hasher: Hasher = await connection.app.state.context.access.hasher()
    return [COOKIE_PREFIX + one.instance for one in (hasher, hasher.previous) if one is not None]


def _decode(value: str) -> str:
    """Decode a header as UTF-8, which clients use beyond ASCII. Starlette decodes headers as Latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _read_authorization(connection: HTTPConnection) -> str | None:
    scheme, _, value = _decode(connection.headers.get("authorization", "")).partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip()
        case "basic":
            return _read_basic(value)
        case _:
            return None


def _read_basic(value: str) -> str | None:
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


KeyDep = Annotated[str | None, Depends(read_key)]
