"""Sessions: a database connection together with the authenticated caller."""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from core.access import store
from core.access.caller import SETTING_ADMIN, Caller
from core.access.hasher import LONG_KEY, Hasher, Owner, find_label_range, hash_token
from core.access.sign_in_token import SignInToken
from core.audit.store import Action, insert_entry

ISSUED_KEY = re.compile(r"ck_[0-9a-f]{64}")


class StorableText(NamedTuple):
    """A text from a client, as the SQL type storable_text. If it is a key, `mask_key` in SQL replaces it with a name.

    Attributes:
        text: the text to store if it is not a key.
        key_hash: SHA-256 of the text. This and the next two are None if no lookup is needed.
        user_key_hmac: HMAC of the text; during a rotation of the secret followed by the one under the previous secret.
            This and the label are also None without the secret.
        label: the text's label as a user API key.
    """

    text: str | None
    key_hash: bytes | None = None
    user_key_hmac: bytes | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A connection and its caller. `actor` is the caller's name in the audit log."""

    conn: AsyncConnection
    caller: Caller
    hasher: Hasher
    key: str | None = None
    admin_key: str | None = None
    actor: str = "admin"

    async def note(self, action: Action, subject: str, details: dict[str, Any] | None = None) -> None:
        """Record an action of this transaction in the audit log."""
        await insert_entry(self.conn, actor=self.actor, action=action, subject=subject, details=details or {})

    async def resolve_owner(self, text: str) -> Owner | None:
        """Return the owner of a user API key, given as key or label, or None for an unknown label."""
        span = find_label_range(text)
        if span is None:
            return self.hasher.identify(text)
        return await store.FIND_OWNER.fetch_one(self.conn, label=text, lowest=span[0], highest=span[1])

    async def note_previous_owner(self, owner: Owner, secret: str) -> None:
        """Note an owner under the previous secret, given by its fingerprint, whose rows are about to be stored."""
        await store.NOTE_PREVIOUS_OWNER.execute(self.conn, owner=owner.hmac, label=owner.label, secret=secret)

    async def require_present_secret(self) -> None:
        """Fail if a rotation has replaced the secret of this process, which then must not derive links or secrets."""
        await store.REQUIRE_PRESENT_SECRET.execute(self.conn, fingerprint=self.hasher.fingerprint)

    def is_own_user_key(self, text: str) -> bool:
        """Return whether a text is the user API key whose requests the caller sees."""
        owners = {self.caller.owner, self.caller.previous_owner} - {None}
        return bool(owners) and not owners.isdisjoint(self.hasher.list_hashes(text))

    def mask_name(self, text: str | None) -> StorableText:
        """Prepare a person's name for storage. Clients send keys as `created_by`, which become names or labels."""
        if text is None or find_label_range(text):
            return StorableText(text)
        if text in {self.key, self.admin_key}:
            return StorableText(self.caller.name if text == self.key else SETTING_ADMIN.name)
        if self.is_own_user_key(text):
            return StorableText(self.caller.owner_label)
        if self.hasher.problem:  # a command without the secret of the database recognizes issued keys only
            return StorableText(text, hash_token(text))
        hashes, label = self.hasher.list_hashes(text), self.hasher.label_user_key(text)
        return StorableText(text, hash_token(text), b"".join(hashes), label)

    def mask_text(self, text: str | None) -> StorableText:
        """Prepare any other text for storage: replace the caller's own key, and a text that is another long key.

        A short text that equals another user's key may be an ordinary word, so it stays.
        """
        storable = StorableText(text)
        if text is None or len(text) >= LONG_KEY or text == self.key:
            storable = self.mask_name(text)
        elif self.is_own_user_key(text):
            storable = StorableText(self.caller.owner_label)
        masked = storable.text
        if masked is None or ISSUED_KEY.fullmatch(masked):  # then the lookup replaces it
            return storable
        for key, name in self.find_own_keys(masked).items():
            masked = masked.replace(key, name) if len(key) >= LONG_KEY else masked
        return storable._replace(text=masked)

    def find_own_keys(self, text: str) -> dict[str, str]:
        """Return the caller's own keys in a text, and the names that replace them.

        The server does not have the key of a signed-in browser, so every issued key counts as the caller's.
        """
        keys: dict[str, str] = {} if self.key is None else {self.key: self.caller.name}
        if isinstance(self.key, SignInToken):
            keys = dict.fromkeys(ISSUED_KEY.findall(text), "ck_…")
            if self.admin_key is not None and self.caller.poster == SETTING_ADMIN.poster:
                keys[self.admin_key] = self.caller.name
        return {key: name for key, name in keys.items() if key in text}

    async def resolve_name(self, text: str | None) -> str | None:
        """Prepare a name for storage (`mask_name`) and look it up."""
        return await self.look_up(self.mask_name(text))

    async def resolve_text(self, text: str | None) -> str | None:
        """Prepare a text for storage (`mask_text`) and look it up."""
        return await self.look_up(self.mask_text(text))

    async def look_up(self, storable: StorableText) -> str | None:
        """Return the name of a text that is a key, else the text."""
        return (
            storable.text if storable.key_hash is None else await store.MASK_KEY.fetch_one(self.conn, storable=storable)
        )
