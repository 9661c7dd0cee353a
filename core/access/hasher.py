"""What is kept of a secret instead of the secret."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from core.wire.json_text import to_column_text

LONG_KEY = 16
"""Characters from which on a key shows six of them; a shorter one, which may be a word, shows two."""
LABEL_DIGITS = 12
LABEL_CHARACTERS = 6 + len("…#") + LABEL_DIGITS
"""The longest label."""
HMAC_BYTES = 32

LABEL_MARK = "…#"
_LABEL = re.compile(rf"[^\0\ud800-\udfff]{{0,6}}…#([0-9a-f]{{{LABEL_DIGITS}}})")


@dataclass(frozen=True, slots=True)
class Hasher:
    """HMAC-SHA256 under THUNDER_SECRET: users' keys can be short words, which a plain hash would give away."""

    secret: bytes

    def hash_user_key(self, key: str) -> bytes:
        """32 bytes by which a user's key is known again."""
        return _digest(self.secret, key.encode("utf-8", "surrogatepass"))

    def label_user_key(self, key: str) -> str:
        """What is shown of a user's key: its first characters, then 12 hex digits of the HMAC."""
        shown = to_column_text(key[:6] if len(key) >= LONG_KEY else key[:2])
        return f"{shown}…#{self.hash_user_key(key).hex()[:LABEL_DIGITS]}"

    def derive_share_token(self, kind: str, number: int, nonce: bytes) -> str:
        """256 bits, URL-safe. Derived, so that the owner can be shown it again though the database does not hold it.

        Under a secret of its own: no user's key, whatever its text, can have the HMAC that is a share token.
        """
        secret = _digest(self.secret, b"\0share:" + kind.encode())
        return urlsafe_b64encode(_digest(secret, number.to_bytes(8, "big") + nonce)).decode().rstrip("=")


def _digest(secret: bytes, message: bytes) -> bytes:
    return hmac.new(secret, message, hashlib.sha256).digest()


def find_label_range(text: str) -> tuple[bytes, bytes] | None:
    """The HMACs that a label can stand for, lowest and highest; null if the text is no label."""
    found = _LABEL.fullmatch(text)
    if found is None:
        return None
    prefix = bytes.fromhex(found[1])
    return prefix.ljust(HMAC_BYTES, b"\0"), prefix.ljust(HMAC_BYTES, b"\xff")


def strip_labels(text: str) -> str:
    """A text without the labels of users' keys, for whoever may be told none."""
    return _LABEL.sub("…", text) if LABEL_MARK in text else text


def strip_cut_labels(text: str, limit: int) -> str:
    """Strip labels from a text that was cut at a limit, in characters.

    The cut can leave the beginning of a label, which begins with the key. So the end, where that would be, is dropped.
    """
    shown = strip_labels(text)
    return shown if len(text) < limit else shown[: 1 - LABEL_CHARACTERS]


def hash_token(token: str) -> bytes:
    """SHA-256 of a key or token of ours: they are 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
