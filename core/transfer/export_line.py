"""A line of `export --what traces`: the posted document with user API keys masked, and the origin of the request.

The last key of the object, `thunder_export`, holds the owner's HMAC, a fingerprint of the THUNDER_SECRET that it was
made with, and the time at which the request began. Without this key, the line is the stored document, byte for byte,
except that line ends between its values are spaces.
"""

import re
from dataclasses import dataclass
from datetime import datetime

import orjson

from core.access.hasher import Hasher
from core.errors import InvalidInputError
from core.wire.timestamp import parse_timestamp

FINGERPRINT_LENGTH = 12

_NAME = b',"thunder_export":'
_ORIGIN = re.compile(
    rb'\{"owner":(?:null|"[0-9a-f]{64}"),"label":(?:null|"(?:[^"\\]|\\.)*"),'
    rb'"created_at":"[^"\\]+","secret":"[\w-]{12}"\}(?=\}[ \t\r\n]*\Z)'
)
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


@dataclass(frozen=True, slots=True)
class Origin:
    """Facts about a request that its document does not contain.

    Attributes:
        owner: the HMAC of the user API key; None if the request belongs to the admins.
        label: the label of that key.
        created_at: the time at which the request began, or else at which it was received.
        secret: the fingerprint of the secret that the HMAC was made with.
    """

    owner: bytes | None
    label: str | None
    created_at: datetime
    secret: str


def fingerprint(hasher: Hasher) -> str:
    """Return a fingerprint that identifies a secret without revealing it."""
    return hasher.derive_share_token("export", 0, b"")[:FINGERPRINT_LENGTH]


def flatten(document: bytes) -> bytes:
    """Put a JSON document on one line. Line ends in JSON occur only between tokens."""
    return document.translate(_ONE_LINE)


def write_line(document: bytes, origin: Origin) -> bytes:
    """Return the line of a stored document, with its line end."""
    end = document.rindex(b"}")
    whose = {
        "owner": origin.owner.hex() if origin.owner else None,
        "label": origin.label,
        "created_at": origin.created_at,
        "secret": origin.secret,
    }
    return flatten(document[:end] + _NAME + orjson.dumps(whose) + document[end:]) + b"\n"


def read_line(line: bytes) -> tuple[bytes, Origin | None]:
    """Split a line into the document and its origin, if it has one.

    Raises:
        InvalidInputError: the label does not match the owner, or the time is not valid.
    """
    start = line.rfind(_NAME)
    found = _ORIGIN.match(line, start + len(_NAME)) if start >= 0 else None
    if found is None:
        return line, None
    try:
        whose = orjson.loads(found[0])
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"thunder_export: {error}") from None
    return line[:start] + line[found.end() :], _read_origin(whose)


def _read_origin(whose: dict[str, str | None]) -> Origin:
    owner, label = bytes.fromhex(whose["owner"] or "") or None, whose["label"]
    if (owner is None) != (label is None) or (owner and label and not label.endswith(f"…#{owner.hex()[:12]}")):
        raise InvalidInputError("thunder_export: the label does not match the owner")
    try:
        created_at = parse_timestamp(whose["created_at"])
    except ValueError as error:
        raise InvalidInputError(f"thunder_export.created_at: {error}") from None
    return Origin(owner, label, created_at, whose["secret"] or "")
