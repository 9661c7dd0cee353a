"""Collections and their members over the API."""

from functools import partial
from typing import Any

from tests.support import posts
from tests.support.client import Answer, Client, send

ANN, BOB = "key-of-ann", "key-of-bob"
post = partial(posts.post, user=ANN)
FIELDS = {
    "id",
    "name",
    "description",
    "created_at",
    "updated_at",
    "created_by",
    "is_public",
    "public_token",
    "request_count",
}
MEMBER_FIELDS = {
    "request_id",
    "added_at",
    "added_by",
    "notes",
    "created_ts",
    "finished_ts",
    "model_id",
    "final_text",
}


def make(client: Client, name: str = "c", key: str = ANN, **fields: Any) -> Any:
    answer = send(client, "POST", "/collections", key, name=name, **fields)
    assert answer.status == 201, answer.data
    return answer.json["collection"]


def add(client: Client, collection: int, request_id: str, key: str = ANN, **fields: Any) -> Answer:
    return send(client, "POST", f"/collections/{collection}/requests", key, request_id=request_id, **fields)


def members(client: Client, collection: int, key: str = ANN) -> list[str]:
    shown = send(client, "GET", f"/collections/{collection}", key).json
    assert shown["total_requests"] == shown["collection"]["request_count"] == len(shown["requests"])
    return [row["request_id"] for row in shown["requests"]]
