"""Read the API key of a request."""

import base64
import binascii
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection


async def read_key(connection: HTTPConnection) -> str | None:
    """Return the API key of a request: X-API-Key, else the Bearer token, else the password of Basic (user:key@host)."""
    return _decode(connection.headers.get("x-api-key", "")) or _read_authorization(connection) or None


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
