"""The statements of the audit log, and the types of their rows."""

from enum import StrEnum
from hashlib import sha256
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from core.database.query import Row, query
from core.wire.timestamp import UtcMoment


class Action(StrEnum):
    """The operations that are audited."""

    CREATE_KEY = "key.create"
    CHANGE_KEY = "key.change"
    REVOKE_KEY = "key.revoke"
    ROTATE_KEY = "key.rotate"
    SIGN_IN = "browser.sign_in"
    SIGN_OUT_EVERYWHERE = "browser.sign_out_everywhere"
    PUBLISH_REQUEST = "request.publish"
    UNPUBLISH_REQUEST = "request.unpublish"
    DELETE_REQUEST = "request.delete"
    DELETE_REQUESTS = "requests.delete"
    DELETE_COMMENT = "comment.delete"
    PUBLISH_COLLECTION = "collection.publish"
    UNPUBLISH_COLLECTION = "collection.unpublish"
    DELETE_COLLECTION = "collection.delete"
    CREATE_ALERT = "alert.create"
    CHANGE_ALERT = "alert.change"
    ROTATE_ALERT = "alert.rotate"
    DELETE_ALERT = "alert.delete"
    CREATE_CALIBRATOR = "calibrator.create"
    CHANGE_CALIBRATOR = "calibrator.change"
    DELETE_CALIBRATOR = "calibrator.delete"
    SET_HOLD = "request.hold"
    LIFT_HOLD = "request.release"
    ADOPT = "database.adopt"
    CLEAR = "database.clear"
    ROTATE_SECRET = "secret.rotate"  # noqa: S105 - not a secret
    ACCEPT_SECRET = "secret.accept"  # noqa: S105 - not a secret


class Entry(Row):
    """One entry of the audit log.

    Attributes:
        actor: admin, key:<id>, user:<12 digits of the HMAC of the user API key>, command, retention, server or
            bootstrap.
        subject: key:<id>, request:<SHA-256 of its id>, collection:<id>, alert:<id>, calibrator:<id>, requests,
            browser or database.
        details: further facts; never a secret.
    """

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
    await INSERT_ENTRY.execute(conn, **values)


INSERT_ENTRY = query("audit/insert_entry")
LIST_ENTRIES = query("audit/list_entries", Entry)
