"""Who calls: the key of a request, and whether it may."""

import base64
import binascii
import hmac
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from core.errors import ThunderError
from functions.common.context import ContextDep


class UnauthorizedError(ThunderError):
    """No key came along, or none that is known."""

    status = 401


def read_key(connection: HTTPConnection) -> str | None:
    """The key of a request: X-API-Key, else a Bearer token, else the password of Basic (a URL with credentials)."""
    if key := connection.headers.get("x-api-key"):
        return key
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip() or None
        case "basic":
            return _read_basic(value)
        case _:
            return None


def _read_basic(value: str) -> str | None:
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


KeyDep = Annotated[str | None, Depends(read_key)]


def require_key(context: ContextDep, key: KeyDep) -> None:
    """Let the admin key pass.

    Raises:
        UnauthorizedError: with a sentence that says which header to send.
    """
    admin = context.settings.thunder_admin_key
    if key is None:
        raise UnauthorizedError("a key is needed: send it as X-API-Key")
    if admin is None or not hmac.compare_digest(key.encode("utf-8", "replace"), admin.get_secret_value().encode()):
        raise UnauthorizedError("this key is not known")


def require_ingest_key(context: ContextDep, key: KeyDep) -> None:
    """Let a trace in: with the admin key, or without any where INGEST_AUTH=open.

    Raises:
        UnauthorizedError: a key is needed, or the one that came is unknown.
    """
    if context.settings.ingest_auth != "open":
        require_key(context, key)
