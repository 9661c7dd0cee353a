"""Read one log or one document. Each takes one query; everything else is derived from the document."""

from collections.abc import Collection

from core.access.access import Access
from core.access.caller import Scope
from core.activations.token_features import read_token_features
from core.database.pool import retry_read
from core.document.formats import require_known_format
from core.traces import store
from core.traces.log_cache import LogCache
from core.traces.log_view import LogView, view_log
from core.traces.own_request import find_hidden_error
from core.traces.store import StoredDocument
from core.wire.json_text import to_storable_id


@retry_read
async def read_log(
    access: Access, cache: LogCache, key: str | None, *, request_id: str, known: Collection[str] = ()
) -> LogView:
    """Read a log that is the caller's or public.

    Raises:
        UnauthorizedError: the log is not public, and the caller sent no live key.
        NotFoundError: the request does not exist, or the caller may not read it.
    """
    held = cache.find(request_id)
    async with access.session(key, Scope.READ, public=True) as session:
        stored = await store.GET_LOG.fetch_one(
            session.conn,
            request_id=to_storable_id(request_id),
            owner=session.caller.owner_filter,
            known=list(known),
            rendered=[log.version for log in held],
        )
        if stored is None:
            raise await find_hidden_error(session, request_id)
        activations = await read_token_features(session.conn, stored.id) if stored.has_run else None
    return view_log(stored, session.hasher, cache_key=request_id, held=held, activations=activations)


@retry_read
async def read_document(access: Access, key: str | None, *, request_id: str) -> StoredDocument:
    """Read a document as posted, with labels in place of user API keys.

    Raises:
        NotFoundError: the request does not exist, or the caller may not read it.
    """
    async with access.session(key, Scope.READ) as session:
        owner = session.caller.owner_filter
        stored = await store.GET_DOCUMENT.fetch_one(session.conn, request_id=to_storable_id(request_id), owner=owner)
        if stored is None:
            raise await find_hidden_error(session, request_id)
    require_known_format(stored.format)
    return stored
