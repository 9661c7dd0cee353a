"""Run the SQL of the audit log. Each function runs one statement; the caller owns the transaction."""

from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict

from core.database.sql import load_query
from core.wire.timestamp import UtcMoment

INSERT_ENTRY = load_query("audit/insert_entry")
_LIST_ENTRIES = load_query("audit/list_entries")


class Action(StrEnum):
    """The operations that are audited."""

    CREATE_KEY = "key.create"
    CHANGE_KEY = "key.change"
    REVOKE_KEY = "key.revoke"
    ROTATE_KEY = "key.rotate"
    PUBLISH_REQUEST = "request.publish"
    UNPUBLISH_REQUEST = "request.unpublish"
    DELETE_REQUEST = "request.delete"
    DELETE_REQUESTS = "requests.delete"
    PUBLISH_COLLECTION = "collection.publish"
    UNPUBLISH_COLLECTION = "collection.unpublish"
    DELETE_COLLECTION = "collection.delete"
    SET_HOLD = "request.hold"
    LIFT_HOLD = "request.release"
    ADOPT = "database.adopt"
    CLEAR = "database.clear"


class Entry(BaseModel):
    """One entry of the audit log.

    Attributes:
        actor: admin, key:<id>, user:<12 digits of the HMAC of the user API key>, command, retention or bootstrap.
        subject: key:<id>, request:<SHA-256 of its id>, collection:<id>, requests or database.
        details: further facts; never a secret.
    """

    model_config = ConfigDict(frozen=True)

    id: int
    happened_at: UtcMoment
    actor: str
    action: str
    subject: str
    details: dict[str, Any]


def name_request(request_id: str) -> str:
    """Name a request as a subject by the hash of its id, so that the log does not keep the ids of deleted requests."""
    return f"request:{sha256(request_id.encode('utf-8', 'surrogatepass')).hexdigest()}"


async def insert_entry(
    conn: AsyncConnection, *, actor: str, action: Action, subject: str, details: dict[str, Any]
) -> None:
    """Write an entry, in the transaction of the audited operation."""
    values = {"actor": actor, "action": action.value, "subject": subject, "details": Jsonb(details)}
    await conn.execute(INSERT_ENTRY, values)


async def list_entries(  # noqa: PLR0913 - each is a filter
    conn: AsyncConnection,
    *,
    actor: str | None,
    action: Action | None,
    start: datetime | None,
    finish: datetime | None,
    before_id: int | None,
    limit: int,
) -> list[Entry]:
    """List entries, newest first: those older than `before_id`, or from the newest if it is None."""
    values = {"actor": actor, "action": action, "start": start, "finish": finish}
    cursor = conn.cursor(row_factory=class_row(Entry))
    await cursor.execute(_LIST_ENTRIES, {**values, "before_id": before_id, "limit": limit})
    return await cursor.fetchall()
