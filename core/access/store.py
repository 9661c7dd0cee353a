"""The statements of access, and the types of their rows."""

from typing import NamedTuple

from core.access.hasher import Owner
from core.database.query import Row, query
from core.wire.timestamp import UtcMoment


class CallerRow(Row):
    """A live issued key or user API key. `ordinal` is its position in the list of given keys, from 1.

    `admin_proof` is set for a browser that signed in with the configured admin key. It has no rights unless the proof
    belongs to this process's admin key.
    """

    ordinal: int
    key_id: int | None
    root_id: int | None
    name: str
    is_admin: bool
    scopes: list[str]
    user_key_hmac: bytes | None
    user_key_label: str | None
    previous_hmac: bytes | None
    expires_at: UtcMoment | None
    stale: bool
    admin_proof: bytes | None


class KeyRow(Row):
    """An issued key without its secret."""

    id: int
    key_prefix: str
    name: str
    description: str | None
    allowed_api_key: str | None
    is_admin: bool
    is_playground: bool
    scopes: list[str]
    is_active: bool
    created_at: UtcMoment
    updated_at: UtcMoment
    last_used_at: UtcMoment | None
    expires_at: UtcMoment | None


class Guards(Row):
    """The admin keys and secrets of a database.

    Attributes:
        admin_keys: the number of live admin keys.
        kept_secret: the secret that the database generated, if any.
        fingerprint: the fingerprint of its secret. None: no secret was used yet.
        previous_fingerprint: the fingerprint before a rotation that is in progress; None without one.
        is_waiting: whether rows of an owner still have the secret before that rotation.
    """

    admin_keys: int
    kept_secret: str | None
    fingerprint: str | None
    previous_fingerprint: str | None
    is_waiting: bool


class Owned(Row):
    """The number of rows that depend on the secret: owners (users), their requests, live keys, links and alerts.

    Attributes:
        waiting: owners with rows that have the previous secret, and how many requests these are.
    """

    owners: int
    requests: int
    keys: int
    links: int
    alerts: int
    waiting: int
    waiting_requests: int


class Nonce(NamedTuple):
    """A nonce from which a value is derived: the kind of row, its number, and for an alert the nonce before it."""

    kind: str
    id: int
    nonce: bytes
    previous_nonce: bytes | None


FIND_CALLERS = query("access/find_callers", CallerRow)
TOUCH_KEY = query("access/touch_key")
LIST_KEYS = query("access/list_keys", KeyRow)
INSERT_KEY = query("access/insert_key", int)
UPDATE_KEY = query("access/update_key", int)
REVOKE_KEY = query("access/revoke_key", int)
ROTATE_KEY = query("access/rotate_key", int)
COUNT_ADMINS = query("access/count_admins", int)
LOCK_BOOTSTRAP = query("access/lock_bootstrap")
LOCK_ATTEMPTS = query("access/lock_attempts")
RECORD_ATTEMPT = query("access/record_attempt", bool)
INSERT_PLAYGROUND_KEY = query("access/insert_playground_key")
FORGET_PLAYGROUND_KEYS = query("access/forget_playground_keys")
COUNT_CALL = query("access/count_call", bytes)
GENERATE_SECRET = query("access/generate_secret", str)
FIND_GUARDS = query("access/find_guards", Guards)
SET_FINGERPRINT = query("access/set_fingerprint")
COUNT_OWNED = query("access/count_owned", Owned)
KEEP_FINGERPRINT = query("access/keep_fingerprint")
BEGIN_ROTATION = query("access/begin_rotation", int)
END_ROTATION = query("access/end_rotation", bool)
LIST_NONCES = query("access/list_nonces", Nonce)
SET_NONCE = query("access/set_nonce")
FIND_WAITING = query("access/find_waiting", bytes)
NOTE_PREVIOUS_OWNER = query("access/note_previous_owner")
MOVE_OWNER = query("access/move_owner")
REQUIRE_PRESENT_SECRET = query("access/require_present_secret")
MASK_KEY = query("access/mask_key", str)
FIND_OWNER = query("access/find_owner", Owner)
INSERT_SIGN_IN = query("access/insert_sign_in", bytes)
DELETE_SIGN_INS = query("access/delete_sign_ins", bytes)
DELETE_SIGN_INS_OF_KEY = query("access/delete_sign_ins_of_key", bytes)
INSERT_SIGN_IN_LINK = query("access/insert_sign_in_link")
USE_SIGN_IN_LINK = query("access/use_sign_in_link", bytes)
