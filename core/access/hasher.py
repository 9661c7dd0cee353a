"""Hashes, labels and tokens derived from secrets, so that the secrets themselves are not stored."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from core.access.sign_in_token import SignInToken
from core.errors import ThunderError
from core.wire.json_text import to_column_text

LONG_KEY = 16
"""Minimum length, in characters, of a key that is unlikely to be a common word or to occur in a text by chance."""
LABEL_DIGITS = 12
LABEL_CHARACTERS = 6 + len("…#") + LABEL_DIGITS
"""Maximum length of a label."""
HMAC_BYTES = 32
SALT_BYTES, CHECK_BYTES = 16, 4
WRAPPED_BYTES = SALT_BYTES + CHECK_BYTES + HMAC_BYTES
"""Length of a nonce that contains a value derived under a previous secret, encrypted."""
FINGERPRINT_LENGTH = 12

WEBHOOKS = b"\0webhook"
"""The purpose of the signing secrets of alerts."""

LABEL_MARK = "…#"
_LABEL = re.compile(rf"[^\0\ud800-\udfff]{{0,6}}…#([0-9a-f]{{{LABEL_DIGITS}}})")


class WrongSecretError(ThunderError):
    """The process does not have the secret of its database."""


class Owner(NamedTuple):
    """The HMAC and the label of a user API key."""

    hmac: bytes
    label: str


class Move(NamedTuple):
    """An owner under the previous secret, and the same owner under the present one."""

    previous: Owner
    present: Owner


@dataclass(frozen=True, slots=True)
class Hasher:
    """HMAC-SHA256 under THUNDER_SECRET. A dictionary attack would reveal short user API keys behind a plain hash.

    Attributes:
        secret: the secret.
        problem: why the secret must not be used. Then every method raises WrongSecretError.
        previous: the hasher under THUNDER_SECRET_PREVIOUS, while the secret is rotated.
    """

    secret: bytes
    problem: str = ""
    previous: "Hasher | None" = None

    def hash_user_key(self, key: str) -> bytes:
        """Return the HMAC of a user API key, 32 bytes."""
        return _digest(self._use_secret(), _to_bytes(key))

    def list_hashes(self, key: str) -> list[bytes]:
        """Return the HMAC of a user API key, and the one under the previous secret if there is one."""
        return [self.hash_user_key(key)] + ([self.previous.hash_user_key(key)] if self.previous else [])

    def identify(self, key: str) -> Owner:
        """Return the owner that a user API key identifies."""
        return Owner(self.hash_user_key(key), self.label_user_key(key))

    def plan_move(self, key: str | None) -> Move | None:
        """Return the move of a user API key's owner to the present secret; None without a key or a previous secret."""
        return None if self.previous is None or not key else Move(self.previous.identify(key), self.identify(key))

    def label_user_key(self, key: str) -> str:
        """Return the label of a user API key: its first characters (two if it is short), then 12 digits of the HMAC."""
        shown = to_column_text(key[:6] if len(key) >= LONG_KEY else key[:2])
        return f"{shown}…#{self.hash_user_key(key).hex()[:LABEL_DIGITS]}"

    def derive_share_token(self, kind: str, number: int, nonce: bytes) -> str:
        """Derive a share token: 256 bits, URL-safe.

        Deriving it allows the owner to see it again although the database does not store it. Share tokens use a
        separate secret, so the HMAC of a user API key can never equal a share token.
        """
        return _encode(self.derive(name_shares(kind), number, nonce))

    def recover_share_token(self, kind: str, number: int, nonce: bytes) -> str | None:
        """Return the share token of a stored nonce, as `recover` does."""
        token = self.recover(name_shares(kind), number, nonce)
        return None if token is None else _encode(token)

    def derive(self, purpose: bytes, number: int, nonce: bytes) -> bytes:
        """Derive 32 bytes for a purpose and a number, such as the signing secret of an alert."""
        return _digest(_digest(self._use_secret(), purpose), number.to_bytes(8, "big") + nonce)

    def recover(self, purpose: bytes, number: int, nonce: bytes) -> bytes | None:
        """Return the value that was derived when a nonce was stored. After a rotation, the nonce contains it.

        None if a secret other than this one encrypted it.
        """
        if len(nonce) != WRAPPED_BYTES:
            return self.derive(purpose, number, nonce)
        secret, place = _digest(self._use_secret(), purpose), number.to_bytes(8, "big")
        salt, check, covered = nonce[:SALT_BYTES], nonce[SALT_BYTES:-HMAC_BYTES], nonce[-HMAC_BYTES:]
        if not hmac.compare_digest(_check(secret, place + salt + covered), check):
            return None
        return _cover(secret, place + salt, covered)

    def wrap(self, purpose: bytes, number: int, derived: bytes, salt: bytes) -> bytes:
        """Return a nonce from which `recover` returns a value derived under another secret."""
        secret, place = _digest(self._use_secret(), purpose), number.to_bytes(8, "big")
        covered = _cover(secret, place + salt, derived)
        return salt + _check(secret, place + salt + covered) + covered

    def hash_account(self, name: str) -> bytes:
        """Return the HMAC of an account, 32 bytes. Its calls are counted under this HMAC."""
        return _digest(_digest(self._use_secret(), b"\0account"), name.encode())

    def sign_mod(self, source: str) -> str:
        """Return the MAC of the source of a mod, in hex."""
        return _digest(_digest(self._use_secret(), b"\0mod"), source.encode()).hex()

    def hash_sign_in(self, token: str) -> bytes:
        """Return the hash of a sign-in's token, so that signed-in browsers are signed out if the secret changes."""
        return _digest(_digest(self._use_secret(), b"\0sign-in"), _to_bytes(token))

    def list_sign_in_hashes(self, token: str) -> list[bytes]:
        """Return the hash of a sign-in's token, and the one under the previous secret if there is one."""
        return [one.hash_sign_in(token) for one in (self, self.previous) if one is not None]

    @property
    def instance(self) -> str:
        """The name of the instance in its cookies: 12 hex digits, the same in every process."""
        return _digest(self._use_secret(), b"\0instance").hex()[:LABEL_DIGITS]

    @property
    def fingerprint(self) -> str:
        """An HMAC of a constant, which identifies the secret without revealing it."""
        return _find_fingerprint(self)

    def _use_secret(self) -> bytes:
        if self.problem:
            raise WrongSecretError(self.problem)
        return self.secret


def name_shares(kind: str) -> bytes:
    """Return the purpose of the share tokens of a kind."""
    return b"\0share:" + kind.encode()


def _encode(token: bytes) -> str:
    return urlsafe_b64encode(token).decode().rstrip("=")


def _check(secret: bytes, message: bytes) -> bytes:
    return _digest(secret, b"\0check" + message)[:CHECK_BYTES]


def _cover(secret: bytes, message: bytes, text: bytes) -> bytes:
    """Encrypt or decrypt 32 bytes with a pad that is used once."""
    pad = _digest(secret, b"\0cover" + message)
    return bytes(one ^ other for one, other in zip(text, pad, strict=True))


@lru_cache(maxsize=8)
def _find_fingerprint(hasher: Hasher) -> str:
    return hasher.derive_share_token("export", 0, b"")[:FINGERPRINT_LENGTH]


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
    return _digest(_to_bytes(key), _to_bytes(token))


def is_proof(proof: bytes, admin_key: str | None, token: str) -> bool:
    """Return whether the configured admin key made the proof of a token."""
    return admin_key is not None and hmac.compare_digest(proof, prove_key(admin_key, token))


def is_admin_key(key: str, admin_key: str | None) -> bool:
    """Return whether a key is the configured admin key, in constant time."""
    if admin_key is None or isinstance(key, SignInToken):
        return False
    return hmac.compare_digest(_to_bytes(key), _to_bytes(admin_key))


def hash_token(token: str) -> bytes:
    """Return the SHA-256 of an issued key or token. It has 256 random bits, so a slow hash is unnecessary."""
    return hashlib.sha256(_to_bytes(token)).digest()


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
