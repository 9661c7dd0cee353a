"""Render the log of a posted body that is not stored, as the log would be right after an ingest."""

from datetime import UTC, datetime

from core.access.hasher import Hasher
from core.errors import InvalidInputError
from core.traces.items import Several, prepare_item
from core.traces.log_rows import LogState
from core.traces.log_view import render_unpacked
from core.wire.json_text import dump_json


def render_preview(body: bytes, choice: int, hasher: Hasher) -> bytes:
    """Render the log of one answer of a posted body as JSON. CPU-bound.

    Args:
        body: what POST /v1/ingest accepts as one item.
        choice: the position of the answer in it.
        hasher: for the labels of user API keys.

    Raises:
        InvalidInputError: the body is not valid, has several items, or has no such answer.
    """
    prepared = prepare_item(body, hasher)
    if isinstance(prepared, Several):
        raise InvalidInputError("body: a list of items; send one item")
    if choice >= len(prepared):
        raise InvalidInputError(f"choice: the body has {len(prepared)} answers; send a number below that")
    one = prepared[choice]
    document = one.document
    start: LogState = {
        "request_id": one.request_id,
        "created_ts": one.request["created_at"] or datetime.now(UTC),
        "revision": 0,
        "user_api_key": one.owner_label,
        "is_public": False,
        "public_token": None,
        "public_expires_at": None,
        "favorited_by": [],
        "tags": [],
        "discussion_count": 0,
        "activations": None,
        "source": one.request["source"],
        "group_id": one.request["group_id"],
        "p_correct": None,
        "calibrator": None,
    }
    text = dump_json(start)[:-1] + b","
    return render_unpacked(document["document"], document["format"], document["choice"], True, text)  # noqa: FBT003
