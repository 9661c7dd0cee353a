"""Publish a request, and read one by its link.

A token is derived from a nonce (core.access.hasher), so the owner can see it again, and is found by its hash, so the
database does not store it. Publishing a public request returns its existing link. A new nonce invalidates the old link.
"""

import secrets
from collections.abc import Collection
from datetime import UTC, datetime

from core.access.access import Access
from core.access.caller import Scope
from core.access.hasher import Hasher, hash_token, strip_cut_labels
from core.access.session import Session
from core.audit.store import Action, name_request
from core.database.pool import retry_read
from core.document.schema import MAX_MODEL
from core.errors import InvalidInputError, NotFoundError
from core.shares import store
from core.shares.store import PreviewRow, ShareRow
from core.traces.log_cache import LogCache
from core.traces.log_view import SHARED, LogView, view_log
from core.traces.own_request import find_hidden_error
from core.wire.json_text import to_storable_id
from core.wire.models import Frozen
from core.wire.timestamp import Timestamp

NONCE_BYTES = 16
PREVIEW_CHARACTERS = 2000
"""Characters of the answer that are read: more than its image shows, because an injected text may end after that."""
DEAD_LINK = "link: unknown, revoked or expired; ask its owner for a new one"


class Publication(Frozen):
    """The options of a publication: it ends at `expires_at`, or when the link is revoked."""

    expires_at: Timestamp | None = None


class Share(Frozen):
    """A request's link. The token and URL are None if it is not public."""

    request_id: str
    is_public: bool
    public_token: str | None
    public_url: str | None
    expires_at: datetime | None
    message: str


async def publish_request(access: Access, key: str | None, *, request_id: str, publication: Publication) -> Share:
    """Publish a request, or return its existing link. A given expiry replaces the previous one.

    Raises:
        NotFoundError: no such request, or it belongs to another user.
        InvalidInputError: the expiry is in the past.
    """
    if publication.expires_at is not None and publication.expires_at <= datetime.now(UTC):
        raise InvalidInputError("expires_at: must be in the future")
    async with access.session(key, Scope.CURATE) as session:
        row = await _lock_own(session, request_id)
        await session.require_present_secret()
        kept = row.share_nonce if row.is_public else None
        nonce, token = make_token(session.hasher, SHARED, row.id, kept)
        expires_at = publication.expires_at or (row.share_expires_at if kept else None)
        await store.SET_SHARE.execute(
            session.conn, id=row.id, nonce=nonce, token_hash=hash_token(token), expires_at=expires_at
        )
        if not kept or expires_at != row.share_expires_at:
            until = {"expires_at": expires_at.isoformat() if expires_at else None}
            await session.note(Action.PUBLISH_REQUEST, name_request(request_id), until)
    return Share(
        request_id=request_id,
        is_public=True,
        public_token=token,
        public_url=f"/share/request/{token}",
        expires_at=expires_at,
        message="already public" if kept else "public to anyone with the link",
    )


def make_token(hasher: Hasher, kind: str, number: int, kept: bytes | None) -> tuple[bytes, str]:
    """Return a nonce and its share token: the stored ones, or new ones if none are stored or the secret was lost."""
    if kept is not None and (token := hasher.recover_share_token(kind, number, kept)) is not None:
        return kept, token
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce, hasher.derive_share_token(kind, number, nonce)


async def unpublish_request(access: Access, key: str | None, *, request_id: str) -> Share:
    """Revoke a request's link permanently. Publishing again creates another link.

    Raises:
        NotFoundError: no such request, or it belongs to another user.
    """
    async with access.session(key, Scope.CURATE) as session:
        row = await _lock_own(session, request_id)
        await store.SET_SHARE.execute(session.conn, id=row.id, nonce=None, token_hash=None, expires_at=None)
        if row.is_public:
            await session.note(Action.UNPUBLISH_REQUEST, name_request(request_id))
    message = "link revoked" if row.is_public else "not public"
    nothing = {"public_token": None, "public_url": None, "expires_at": None}
    return Share(request_id=request_id, is_public=False, message=message, **nothing)


@retry_read
async def read_shared_log(
    access: Access, cache: LogCache, *, token: str, request_id: str | None = None, known: Collection[str] = ()
) -> LogView:
    """Read the log that a link opens. No key is needed.

    A request's link opens that request. A public collection's link opens each of its members, by `request_id`.

    Raises:
        NotFoundError: the link is unknown, revoked or expired.
    """
    cache_key = request_id or token
    held = cache.find(cache_key)
    async with access.session(None, Scope.READ, public=True) as session:
        stored = await store.GET_SHARED_LOG.fetch_one(
            session.conn,
            token_hash=hash_token(token),
            request_id=None if request_id is None else to_storable_id(request_id),
            known=list(known),
            rendered=[log.version for log in held],
        )
    if stored is None:
        raise NotFoundError(DEAD_LINK)
    return view_log(stored, session.hasher, cache_key=cache_key, held=held)


@retry_read
async def read_preview(
    access: Access, *, token: str, request_id: str | None = None, known: Collection[str] = ()
) -> PreviewRow:
    """Read the preview of the request that a link opens, without its document if the process knows its version.

    Raises:
        NotFoundError: the link is unknown, revoked or expired.
    """
    async with access.session(None, Scope.READ, public=True) as session:
        row = await store.GET_PREVIEW.fetch_one(
            session.conn,
            token_hash=hash_token(token),
            request_id=None if request_id is None else to_storable_id(request_id),
            characters=PREVIEW_CHARACTERS,
            known=list(known),
        )
    if row is None:
        raise NotFoundError(DEAD_LINK)
    shown = {
        "model": row.model and strip_cut_labels(row.model, MAX_MODEL),
        "final_text": row.final_text and strip_cut_labels(row.final_text, PREVIEW_CHARACTERS),
    }
    return row.model_copy(update=shown)


async def _lock_own(session: Session, request_id: str) -> ShareRow:
    owner = session.caller.owner_filter
    row = await store.LOCK_SHARE.fetch_one(session.conn, request_id=to_storable_id(request_id), owner=owner)
    if row is None:
        raise await find_hidden_error(session, request_id)
    return row
