"""The lines of an export that can be imported. Each has a SHA-256, so that a damaged line fails.

A trace is the posted document with user API keys masked, and the origin of the request.

The last key of the object, `thunder_export`, holds the owner's HMAC, a fingerprint of the THUNDER_SECRET that it was
made with, the time at which the request began, and the SHA-256 of the line without this digest. Without this key, the
line is the stored document, byte for byte, except that line ends between its values are spaces.

A line with a damaged byte is never read as a plain document, because two names mark it: `thunder_export` and
`thunder_sha256`. A string of the document can't contain either mark, because quotes in strings are escaped.

Any other line is an object with one member of its own, followed by `thunder_sha256`.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import orjson

from core.access.hasher import FINGERPRINT_LENGTH
from core.errors import InvalidInputError
from core.wire.timestamp import parse_timestamp

_NAME, _DIGEST = b',"thunder_export":', b',"thunder_sha256":"'
_ORIGIN = re.compile(
    rb'(\{"owner":(?:null|"[0-9a-f]{64}"),"label":(?:null|"(?:[^"\\]|\\.)*"),'
    rb'"created_at":"[^"\\]+","secret":"[\w-]{12}"),"thunder_sha256":"([0-9a-f]{64})"\}(?=\}[ \t\r\n]*\Z)'
)
_SEAL = re.compile(rb',"thunder_sha256":"([0-9a-f]{64})"(?=\}[ \t\r\n]*\Z)')
DAMAGED = (
    "thunder_export: the line changed after it was exported (SHA-256 mismatch); "
    "export it again, or remove thunder_export to import the document without its owner and time"
)
DAMAGED_ITEM = (
    "thunder_sha256: the line changed after it was exported (SHA-256 mismatch); "
    "export it again, or remove thunder_sha256 to import the line as it is"
)
NO_SECRET = "-" * FINGERPRINT_LENGTH
"""The fingerprint in an export of a database without a known secret. It matches no secret."""
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
    before, after, written = flatten(document[:end]), flatten(document[end:]), orjson.dumps(whose)[:-1]
    return b"".join((before, _NAME, written, _DIGEST, _digest(before, after, written), b'"}', after, b"\n"))


def seal_line(item: bytes) -> bytes:
    """Return the line of an object that is not a trace, with its line end."""
    return b"".join((item[:-1], _DIGEST, _digest(item), b'"}\n'))


def read_line(line: bytes) -> tuple[bytes, Origin | None]:
    """Split a line into the document and its origin, if it has one.

    Raises:
        InvalidInputError: the line changed after it was exported, the label does not match the owner, or the time is
            not valid.
    """
    start = line.rfind(_NAME)
    if start < 0:
        return _read_sealed(line), None
    found = _ORIGIN.match(line, start + len(_NAME))
    if found is None:
        raise InvalidInputError(DAMAGED)
    before, after = line[:start], line[found.end() :]
    if _digest(before, after, found[1]) != found[2]:
        raise InvalidInputError(DAMAGED)
    try:
        whose = orjson.loads(found[1] + b"}")
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"thunder_export: {error}") from None
    return before + after, _read_origin(whose)


def _read_sealed(line: bytes) -> bytes:
    """Return a line without its SHA-256, if it has one."""
    start = line.rfind(_DIGEST)
    if start < 0:
        return line
    found = _SEAL.match(line, start)
    item = line[:start] + line[found.end() :] if found else b""
    if found is None or _digest(item) != found[1]:
        raise InvalidInputError(DAMAGED_ITEM)
    return item


def _digest(*parts: bytes) -> bytes:
    digest = sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest().encode()


def _read_origin(whose: dict[str, str | None]) -> Origin:
    owner, label = bytes.fromhex(whose["owner"] or "") or None, whose["label"]
    if (owner is None) != (label is None) or (owner and label and not label.endswith(f"…#{owner.hex()[:12]}")):
        raise InvalidInputError("thunder_export: the label does not match the owner; export it again")
    try:
        created_at = parse_timestamp(whose["created_at"])
    except ValueError as error:
        raise InvalidInputError(f"thunder_export.created_at: {error}") from None
    return Origin(owner, label, created_at, whose["secret"] or "")
