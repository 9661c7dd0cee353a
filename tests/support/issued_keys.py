"""Look at issued keys over the API."""

from datetime import timedelta
from typing import Any

from tests.support.client import Client, send
from tests.support.keys import ADMIN_KEY

SHOWN_ONCE = {"api_key", "key_prefix", "name", "allowed_api_key", "is_admin", "message"}
HOUR = timedelta(hours=1)


def find(client: Client, key_id: int) -> dict[str, Any]:
    listed = send(client, "GET", "/auth/keys", ADMIN_KEY).json["keys"]
    return next(one for one in listed if one["id"] == key_id)


def is_live(client: Client, key: str) -> bool:
    status = send(client, "GET", "/auth/validate", key).status
    assert status in {200, 401}
    return status == 200


def refuse(client: Client, method: str, path: str, **body: Any) -> str:
    answer = send(client, method, path, ADMIN_KEY, **body)
    assert answer.status == 400, answer.data
    return answer.json["error"]
