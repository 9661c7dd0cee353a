"""Conditional requests: If-None-Match, ETag and 304."""

from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from core.pairing.version import SCORING_VERSION

MAX_ETAGS = 20
FORMAT = f"3-{SCORING_VERSION}"
"""Part of every ETag. Increase the first number when the same rows are rendered differently."""
DEPENDS_ON = "Accept, Accept-Encoding, X-API-Key, Authorization, Cookie"
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "the client has this version (If-None-Match)"}}
"""For a route's `responses`."""


async def read_etags(request: Request) -> list[str]:
    """Return the versions in If-None-Match, at most MAX_ETAGS; `*` matches any version."""
    header = ",".join(request.headers.getlist("if-none-match"))
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",", MAX_ETAGS)[:MAX_ETAGS]]
    ours = [tag.removeprefix(f"{FORMAT}.") for tag in tags if tag.startswith(f"{FORMAT}.") or tag == "*"]
    return [tag for tag in ours if tag.isascii() and "\0" not in tag]


EtagsDep = Annotated[list[str], Depends(read_etags)]


def describe_version(version: str) -> dict[str, str]:
    """Return the headers of a cacheable answer. Only the client may cache it, and must revalidate it each time."""
    return {"ETag": f'W/"{FORMAT}.{version}"', "Cache-Control": "private, no-cache", "Vary": DEPENDS_ON}


def answer_unchanged(version: str) -> Response:
    """Return 304 Not Modified."""
    return Response(status_code=304, headers=describe_version(version))
