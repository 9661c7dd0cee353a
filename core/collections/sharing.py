"""Publish a collection, and read one by its link. core.shares.share explains the tokens."""

from core.access.access import Access
from core.access.caller import Scope
from core.access.hasher import hash_token, strip_cut_labels, strip_labels
from core.audit.store import Action
from core.collections import store
from core.collections.collection import SHARED, lock_own
from core.collections.store import MemberRow, SharedCollection
from core.database.pool import retry_read
from core.document.schema import MAX_MODEL
from core.errors import NotFoundError
from core.shares.share import DEAD_LINK, make_token
from core.wire.models import Frozen


class CollectionShare(Frozen):
    """A collection's link. The token and URL are None if it is not public."""

    collection_id: int
    is_public: bool
    public_token: str | None
    public_url: str | None
    message: str


async def publish_collection(access: Access, key: str | None, *, number: int) -> CollectionShare:
    """Publish a collection and the logs in it, or return its existing link.

    Raises:
        NotFoundError: no such collection, or it belongs to another user.
    """
    async with access.session(key, Scope.CURATE) as session:
        row = await lock_own(session, number)
        await session.require_present_secret()
        nonce, token = make_token(session.hasher, SHARED, number, row.share_nonce)
        await store.SET_SHARE.execute(session.conn, id=number, nonce=nonce, token_hash=hash_token(token))
        if row.share_nonce is None:
            await session.note(Action.PUBLISH_COLLECTION, f"collection:{number}")
    return CollectionShare(
        collection_id=number,
        is_public=True,
        public_token=token,
        public_url=f"/share/{token}",
        message="already public" if row.share_nonce else "public to anyone with the link",
    )


async def unpublish_collection(access: Access, key: str | None, *, number: int) -> CollectionShare:
    """Revoke a collection's link permanently. Publishing again creates another link.

    Raises:
        NotFoundError: no such collection, or it belongs to another user.
    """
    async with access.session(key, Scope.CURATE) as session:
        row = await lock_own(session, number)
        await store.SET_SHARE.execute(session.conn, id=number, nonce=None, token_hash=None)
        if row.share_nonce is not None:
            await session.note(Action.UNPUBLISH_COLLECTION, f"collection:{number}")
    message = "link revoked" if row.share_nonce else "not public"
    return CollectionShare(collection_id=number, is_public=False, public_token=None, public_url=None, message=message)


@retry_read
async def read_shared_collection(
    access: Access, *, token: str, limit: int, offset: int
) -> tuple[SharedCollection, list[MemberRow]]:
    """Read the collection that a link opens, and a page of its requests. No key is needed, and labels are removed.

    Raises:
        NotFoundError: the link is unknown or revoked.
    """
    async with access.session(None, Scope.READ, public=True) as session:
        row = await store.GET_SHARED_COLLECTION.fetch_one(session.conn, token_hash=hash_token(token))
        if row is None:
            raise NotFoundError(DEAD_LINK)
        members = await store.LIST_MEMBERS.fetch_all(
            session.conn, id=row.id, owner=None, limit=limit, offset=offset, characters=store.TEXT_CHARACTERS
        )
    shown = {"name": strip_labels(row.name), "description": row.description and strip_labels(row.description)}
    return row.model_copy(update=shown), [_strip(member) for member in members]


def _strip(member: MemberRow) -> MemberRow:
    shown = {
        "model_id": member.model_id and strip_cut_labels(member.model_id, MAX_MODEL),
        "final_text": member.final_text and strip_cut_labels(member.final_text, store.TEXT_CHARACTERS),
    }
    return member.model_copy(update={"added_by": None, "notes": None, **shown})
