"""A line of `export --what traces`: the document as it was posted, users' keys masked, and what that leaves open.

The last key of the object, `thunder_export`, says what a label can't: the owner's HMAC, and a fingerprint of the
THUNDER_SECRET that it was made under; and when the request began, for a document that does not say. Without that key
the line is the document again, byte for byte but for line ends between its values, which became spaces.
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
    """What a document can't say of its request.

    Attributes:
        owner: the HMAC of the user's key; null: the admins'.
        label: what is shown of that key.
        created_at: when it began, or came in if nobody said.
        secret: the fingerprint of the secret that the HMAC was made under.
    """

    owner: bytes | None
    label: str | None
    created_at: datetime
    secret: str


def fingerprint(hasher: Hasher) -> str:
    """What tells two secrets apart and says nothing of either."""
    return hasher.derive_share_token("export", 0, b"")[:FINGERPRINT_LENGTH]


def flatten(document: bytes) -> bytes:
    """A JSON document on one line: a line end in it can only stand between two values."""
    return document.translate(_ONE_LINE)


def write_line(document: bytes, origin: Origin) -> bytes:
    """A stored document as a line, line end included."""
    end = document.rindex(b"}")
    whose = {
        "owner": origin.owner.hex() if origin.owner else None,
        "label": origin.label,
        "created_at": origin.created_at,
        "secret": origin.secret,
    }
    return flatten(document[:end] + _NAME + orjson.dumps(whose) + document[end:]) + b"\n"


def read_line(line: bytes) -> tuple[bytes, Origin | None]:
    """A document, and what the line says of it beside.

    Raises:
        InvalidInputError: the label is not that of the owner, or the moment is none.
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
        raise InvalidInputError("thunder_export: the label is not that of the owner")
    try:
        created_at = parse_timestamp(whose["created_at"])
    except ValueError as error:
        raise InvalidInputError(f"thunder_export.created_at: {error}") from None
    return Origin(owner, label, created_at, whose["secret"] or "")
