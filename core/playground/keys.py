"""The keys of the playground: create them, and check which keys may be sent to a model server."""

import re
from typing import Annotated

from pydantic import BaseModel, Field

from core.access import store
from core.access.access import Access
from core.access.caller import ForbiddenError, Scope
from core.access.hasher import hash_token
from core.access.keys import SAVE_KEY, SHOWN_CHARACTERS, make_key
from core.access.limits import CallLimit, count_call
from core.access.session import Session
from core.upstream.server import Server
from core.wire.json_text import to_column_text
from core.wire.models import Body

MAX_NAME_CHARACTERS = 200
SCOPES = sorted((Scope.READ, Scope.CURATE, Scope.DELETE))
"""The rights of a user API key."""
LIMIT = CallLimit("api-key")

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
"""The keys that a model server can use: it creates a folder with the key as its name."""


class NewPlaygroundKey(Body):
    """A request for a key.

    Attributes:
        session_id: the name of the key. By default `playground_` and the first characters of the key.
    """

    session_id: Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)] | None = None


class PlaygroundKey(BaseModel):
    """A new key. It is not shown again."""

    api_key: str
    message: str


async def create_playground_key(access: Access, new: NewPlaygroundKey) -> PlaygroundKey:
    """Create a key that sees exactly the requests whose user API key it is. It doesn't expire.

    Raises:
        ForbiddenError: PLAYGROUND_KEYLESS is not set.
        TooManyCallsError: this address has created too many keys.
    """
    if not access.keyless:
        raise ForbiddenError("PLAYGROUND_KEYLESS: not set; set it to true to let everyone create keys")
    key = make_key()
    async with access.session(None, Scope.CURATE, public=True) as session:
        await session.require_present_secret()
        await count_call(session, LIMIT)
        name = await session.resolve_text((new.session_id or "").strip()) or f"playground_{key[:SHOWN_CHARACTERS]}"
        await store.FORGET_PLAYGROUND_KEYS.execute(session.conn)
        await store.INSERT_PLAYGROUND_KEY.execute(
            session.conn,
            key_hash=hash_token(key),
            key_prefix=key[:SHOWN_CHARACTERS],
            name=to_column_text(name),
            scopes=SCOPES,
            user_key_hmac=session.hasher.hash_user_key(key),
            user_key_label=session.hasher.label_user_key(key),
        )
    return PlaygroundKey(api_key=key, message=SAVE_KEY)


async def admit_call(access: Access, key: str | None, server: Server, limit: CallLimit) -> str:
    """Check and count a call to a server, and return the key of the caller.

    Raises:
        ForbiddenError: the key can't be used in the playground.
        NotConfiguredError: the setting of the server is missing.
        TooManyCallsError: the key or its address has used up its calls.
    """
    async with access.session(key, Scope.CURATE) as session:
        user_key = require_playground_key(session)
        server.require_url()
        await count_call(session, limit)
    return user_key


def require_playground_key(session: Session) -> str:
    """Return the key of the session, if it may be sent to a model server and owns the requests that come from there.

    Raises:
        ForbiddenError: it is the key of an admin or for ingest, or it sees the requests of another user.
    """
    key = session.key or ""
    caller = session.caller
    if caller.is_admin or Scope.INGEST in caller.scopes or not session.is_own_user_key(key):
        raise ForbiddenError("key: can't be used here; create a key with POST /playground/api-key")
    if not _SAFE.fullmatch(key):
        raise ForbiddenError("key: has characters that model servers can't use; create one with /playground/api-key")
    return key
