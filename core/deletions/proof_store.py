"""Run the SQL of a proof of deletion. Each function runs one statement; the caller owns the transaction."""

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.database.sql import load_query
from core.database.statements import SET_TIMEOUT

_CHECK_CHAIN = load_query("deletions/check_chain")
_FIND_TEXTS = load_query("deletions/find_texts")
_LIST_DOCUMENTS = load_query("deletions/list_documents")


class Chain(BaseModel):
    """The state of the chain of receipts, after recomputing it.

    Attributes:
        receipts: the number of receipts found.
        recorded: the number of receipts ever written.
        broken_at: the first receipt that was changed, or whose predecessor is missing; None if there is no such break.
        ends_as_recorded: whether the last receipt is the last one ever written.
    """

    model_config = ConfigDict(frozen=True)

    receipts: int
    recorded: int
    broken_at: int | None
    ends_as_recorded: bool

    @property
    def is_whole(self) -> bool:
        """Whether no receipt is missing or changed."""
        return self.broken_at is None and self.ends_as_recorded and self.receipts == self.recorded

    def describe(self) -> str:
        """Describe the state of the chain in a few words."""
        if self.is_whole:
            return "an unbroken chain"
        if self.broken_at is not None:
            return f"broken at receipt {self.broken_at}: it was changed, or one before it is missing"
        return "broken at its end: the last receipts are missing or changed"


class Finding(BaseModel):
    """A table and column that still contain the text, and the number of such rows."""

    model_config = ConfigDict(frozen=True)

    place: str
    hits: int


class StoredFrame(BaseModel):
    """The compressed document of a request."""

    model_config = ConfigDict(frozen=True)

    request_pk: int
    document: bytes


async def set_timeout(conn: AsyncConnection, *, milliseconds: int) -> None:
    """Set the statement timeout for the rest of the transaction."""
    await conn.execute(SET_TIMEOUT, {"milliseconds": milliseconds})


async def check_chain(conn: AsyncConnection) -> Chain:
    """Recompute each receipt's hash from the previous receipt."""
    cursor = conn.cursor(row_factory=class_row(Chain))
    await cursor.execute(_CHECK_CHAIN)
    return (await cursor.fetchall())[0]


async def find_texts(conn: AsyncConnection, *, pattern: str, hashes: list[bytes]) -> list[Finding]:
    """Search every column of every table for a pattern or one of the hashes."""
    cursor = conn.cursor(row_factory=class_row(Finding))
    await cursor.execute(_FIND_TEXTS, {"pattern": pattern, "hashes": hashes})
    return await cursor.fetchall()


async def list_documents(conn: AsyncConnection, *, after: int, limit: int) -> list[StoredFrame]:
    """List a page of the stored documents, ordered by the request's bigint id."""
    cursor = conn.cursor(row_factory=class_row(StoredFrame), binary=True)
    await cursor.execute(_LIST_DOCUMENTS, {"after": after, "limit": limit})
    return await cursor.fetchall()
