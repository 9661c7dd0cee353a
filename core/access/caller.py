"""A caller: what is known of whoever sent a request, and what that allows."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.access.hasher import LABEL_DIGITS
from core.errors import ThunderError


class Scope(StrEnum):
    """What a key may be used for."""

    INGEST = "ingest"
    READ = "read"
    CURATE = "curate"
    DELETE = "delete"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)
DEFAULT_SCOPES = frozenset({Scope.READ, Scope.CURATE})
"""Of a new key that is no admin's; a user's own key may delete as well."""

NOBODY = b""
"""An owner that no request has."""


class UnauthorizedError(ThunderError):
    """No key came along, or none that is live."""

    status = 401


class UnknownKeyError(UnauthorizedError):
    """A key came that is not live; many of them from one address are guesses.

    Attributes:
        fingerprint: SHA-256 of the key.
    """

    def __init__(self, sentence: str, fingerprint: bytes) -> None:
        super().__init__(sentence)
        self.fingerprint = fingerprint


class ForbiddenError(ThunderError):
    """The key is live, but its scopes don't cover this."""

    status = 403


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        name: what to call them; a user key's label.
        scopes: what the key may be used for.
        is_admin: sees all.
        owner: the HMAC of the user's key whose requests it sees; null sees none (or all, an admin).
        owner_label: what is shown of that key.
        key_id: the row of api_keys; null for the configured admin key, a user's own key, and nobody.
        poster: who a trace of theirs was posted by: open, admin, or key:<id of the first key of the rotation>.
        expires_at: when the key dies by itself.
    """

    name: str
    scopes: frozenset[Scope]
    is_admin: bool = False
    owner: bytes | None = None
    owner_label: str | None = None
    key_id: int | None = None
    poster: str = "open"
    expires_at: datetime | None = None

    @property
    def owner_filter(self) -> bytes | None:
        """For statements: null sees everything, else only this owner's requests."""
        if self.is_admin:
            return None
        return NOBODY if self.owner is None else self.owner

    @property
    def actor(self) -> str:
        """Who this is in the audit log; users by digits of their label, without any character of the key."""
        if self.key_id is not None:
            return f"key:{self.key_id}"
        return self.poster if self.owner is None else f"user:{self.owner.hex()[:LABEL_DIGITS]}"

    def may_see(self, owner: bytes | None) -> bool:
        """Whether a request of this owner is theirs to see."""
        return self.is_admin or (owner is not None and owner == self.owner)

    def require(self, scope: Scope) -> None:
        """Refuse what the key's scopes don't cover.

        Raises:
            ForbiddenError: they don't.
        """
        if scope not in self.scopes:
            raise ForbiddenError(f"this key's scopes do not cover {scope.value!r}")


ANONYMOUS = Caller("anonymous", frozenset())
CONFIGURED_ADMIN = Caller("admin", ALL_SCOPES, is_admin=True, poster="admin")
"""Whoever has THUNDER_ADMIN_KEY."""
OPEN_INGEST = Caller("anonymous", frozenset({Scope.INGEST}))
"""Whoever posts without a key where INGEST_AUTH=open."""
