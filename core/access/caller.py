"""A caller: the identity and rights of the client that sent a request."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from core.access.hasher import LABEL_DIGITS
from core.access.turns import Account
from core.errors import ThunderError


class Scope(StrEnum):
    """One right of a key."""

    INGEST = "ingest"
    READ = "read"
    READ_ALL = "read_all"
    CURATE = "curate"
    DELETE = "delete"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)
DEFAULT_SCOPES = frozenset({Scope.READ, Scope.CURATE})
"""The default scopes of a new key that is not an admin's. A user API key also has DELETE."""

NOBODY = b""
"""An owner without any requests."""


class UnauthorizedError(ThunderError):
    """The request has no key, or its key is not live."""

    status = 401


class UnknownKeyError(UnauthorizedError):
    """The key is not live. Many such keys from one address suggest guessing.

    Attributes:
        fingerprint: SHA-256 of the key.
    """

    def __init__(self, sentence: str, fingerprint: bytes) -> None:
        super().__init__(sentence)
        self.fingerprint = fingerprint


class SignedOutError(UnauthorizedError):
    """The cookie of a browser is no longer valid. The answer deletes it."""


class ForbiddenError(ThunderError):
    """The key is live, but its scopes do not allow the call."""

    status = 403


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity and rights behind a key.

    Attributes:
        name: the key's name, or the label of a user API key.
        scopes: the rights of the key.
        is_admin: whether the caller sees all requests.
        reads_all: whether the caller sees all requests in this session, which only reads.
        owner: HMAC of the user API key whose requests the caller sees. None: no requests, or all for an admin.
        owner_label: the label of that key.
        previous_owner: HMAC of that key under the previous secret, if its rows have moved from there.
        key_id: the row in api_keys. None for the configured admin key, user API keys and anonymous callers.
        poster: the value of requests.posted_by for traces from this caller: open, admin, user, or
            key:<id of the first key of the rotation>.
        expires_at: when the key expires.
    """

    name: str
    scopes: frozenset[Scope]
    is_admin: bool = False
    reads_all: bool = False
    owner: bytes | None = None
    owner_label: str | None = None
    previous_owner: bytes | None = None
    key_id: int | None = None
    poster: str = "open"
    expires_at: datetime | None = None

    @property
    def owner_filter(self) -> bytes | None:
        """The owner parameter of statements: None selects every request, else only this owner's."""
        return None if self.reads_all else self.own_filter

    @property
    def own_filter(self) -> bytes | None:
        """The owner parameter for what belongs to the caller: as `owner_filter`, but not everything for READ_ALL."""
        if self.is_admin:
            return None
        return NOBODY if self.owner is None else self.owner

    @property
    def account(self) -> Account:
        """The account that the caller's connections, streams and bodies count for: its owner, else its key."""
        return Account(self.poster if self.owner is None else f"owner:{self.owner.hex()}", self.is_admin)

    @property
    def actor(self) -> str:
        """The caller's name in the audit log. Users appear as digits of their label, without characters of the key."""
        if self.key_id is not None:
            return f"key:{self.key_id}"
        return self.poster if self.owner is None else f"user:{self.owner.hex()[:LABEL_DIGITS]}"

    def may_see(self, owner: bytes | None) -> bool:
        """Return whether the caller may see this owner's requests."""
        return self.is_admin or self.reads_all or (owner is not None and owner == self.owner)

    def using(self, scope: Scope) -> Self:
        """Return the caller for work that needs a scope. With READ_ALL, it reads the requests of every owner.

        Raises:
            ForbiddenError: the key lacks the scope.
        """
        if scope is Scope.READ and Scope.READ_ALL in self.scopes and not self.is_admin:
            return replace(self, reads_all=True)
        self.require(scope)
        return self

    def require(self, scope: Scope) -> None:
        """Check that the key has a scope.

        Raises:
            ForbiddenError: the key lacks the scope.
        """
        if scope not in self.scopes:
            raise ForbiddenError(f"key: lacks the scope {scope.value!r}; use a key that has it")


ANONYMOUS = Caller("anonymous", frozenset())
SETTING_ADMIN = Caller("admin", ALL_SCOPES, is_admin=True, poster="admin")
"""The caller with THUNDER_ADMIN_KEY."""
OPEN_INGEST = Caller("anonymous", frozenset({Scope.INGEST}))
"""A caller that posts without a key under INGEST_AUTH=open."""
