"""Mask documents."""

import json
from typing import Any

from core.access.hasher import Hasher
from core.document.mask import mask_document
from core.document.parse import parse_document

HASHER = Hasher(b"secret")
LONG = "marshall-alpha-test-key"
SHORT = "bob"


def hide(key: str) -> str:
    return f"<{len(key)}>"


def mask(body: bytes | dict[str, Any]) -> bytes:
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    masked = mask_document(body, parse_document(body), hide)
    assert parse_document(masked.body).request == masked.document.request
    return masked.body


SPECIAL = 'quo"te\\and/slash\n'
