"""Hashes, labels and tokens derived from secrets, so that the secrets themselves are not stored."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from core.errors import ThunderError
from core.wire.json_text import to_column_text

LONG_KEY = 16
"""Minimum characters of a key that is not a common word and does not occur in a text by chance."""
LABEL_DIGITS = 12
LABEL_CHARACTERS = 6 + len("…#") + LABEL_DIGITS
"""Maximum length of a label."""
HMAC_BYTES = 32
FINGERPRINT_LENGTH = 12

LABEL_MARK = "…#"
_LABEL = re.compile(rf"[^\0\ud800-\udfff]{{0,6}}…#([0-9a-f]{{{LABEL_DIGITS}}})")


class WrongSecretError(ThunderError):
    """The process does not have the secret of its database."""


@dataclass(frozen=True, slots=True)
class Hasher:
    """HMAC-SHA256 under THUNDER_SECRET. A dictionary attack would reveal short user API keys behind a plain hash.

    Attributes:
        secret: the secret.
        problem: why the secret must not be used. Then every method raises WrongSecretError.
    """

    secret: bytes
    problem: str = ""

    def hash_user_key(self, key: str) -> bytes:
        """Return the HMAC of a user API key, 32 bytes."""
        return _digest(self._use_secret(), key.encode("utf-8", "surrogatepass"))

    def label_user_key(self, key: str) -> str:
        """Return the label of a user API key: its first characters (two if it is short), then 12 digits of the HMAC."""
        shown = to_column_text(key[:6] if len(key) >= LONG_KEY else key[:2])
        return f"{shown}…#{self.hash_user_key(key).hex()[:LABEL_DIGITS]}"

    def derive_share_token(self, kind: str, number: int, nonce: bytes) -> str:
        """Derive a share token: 256 bits, URL-safe.

        Deriving it allows the owner to see it again although the database does not store it. Share tokens use a
        separate secret, so the HMAC of a user API key can never equal a share token.
        """
        secret = _digest(self._use_secret(), b"\0share:" + kind.encode())
        return urlsafe_b64encode(_digest(secret, number.to_bytes(8, "big") + nonce)).decode().rstrip("=")

    def derive_webhook_secret(self, number: int, nonce: bytes) -> bytes:
        """Derive the signing secret of an alert, 32 bytes, which the database does not store either."""
        return _digest(_digest(self._use_secret(), b"\0webhook"), number.to_bytes(8, "big") + nonce)

    def hash_account(self, name: str) -> bytes:
        """Return the HMAC of an account, under which its calls are counted, 32 bytes."""
        return _digest(_digest(self._use_secret(), b"\0account"), name.encode())

    def sign_mod(self, source: str) -> str:
        """Return the MAC of the source of a mod, in hex."""
        return _digest(_digest(self._use_secret(), b"\0mod"), source.encode()).hex()

    def hash_sign_in(self, token: str) -> bytes:
        """Return the hash of a sign-in's token, so that signed-in browsers are signed out if the secret changes."""
        return _digest(_digest(self._use_secret(), b"\0sign-in"), token.encode("utf-8", "surrogatepass"))

    @property
    def instance(self) -> str:
        """A name of the instance for its cookies: 12 hex digits, the same in every process."""
        return _digest(self._use_secret(), b"\0instance").hex()[:LABEL_DIGITS]

    @property
    def fingerprint(self) -> str:
        """An HMAC of a constant, which identifies the secret without revealing it."""
        return self.derive_share_token("export", 0, b"")[:FINGERPRINT_LENGTH]

    def _use_secret(self) -> bytes:
        if self.problem:
            raise WrongSecretError(self.problem)
        return self.secret


def _digest(secret: bytes, message: bytes) -> bytes:
    return hmac.new(secret, message, hashlib.sha256).digest()


def find_label_range(text: str) -> tuple[bytes, bytes] | None:
    """Return the lowest and highest HMAC that match a label, or None if the text is not a label."""
    found = _LABEL.fullmatch(text)
    if found is None:
        return None
    prefix = bytes.fromhex(found[1])
    return prefix.ljust(HMAC_BYTES, b"\0"), prefix.ljust(HMAC_BYTES, b"\xff")


def strip_labels(text: str) -> str:
    """Remove the labels of user API keys from a text, for readers that may not see them."""
    return _LABEL.sub("…", text) if LABEL_MARK in text else text


def strip_cut_labels(text: str, limit: int) -> str:
    """Remove labels from a text that was truncated at a limit, in characters.

    Truncation can leave the start of a label, which shows characters of the key. The end of the text, where a partial
    label could be, is therefore dropped.
    """
    shown = strip_labels(text)
    return shown if len(text) < limit else shown[: 1 - LABEL_CHARACTERS]


def prove_key(key: str, token: str) -> bytes:
    """Return the HMAC of a token under a key. Without the token, it does not help to guess the key."""
    return _digest(key.encode("utf-8", "surrogatepass"), token.encode("utf-8", "surrogatepass"))


def hash_token(token: str) -> bytes:
    """Return the SHA-256 of an issued key or token. It has 256 random bits, so a slow hash is unnecessary."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
