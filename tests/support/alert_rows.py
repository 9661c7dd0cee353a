"""Alerts of the tests."""

import json
from typing import Any

from tests.support.client import Client, send
from tests.support.keys import ADMIN_KEY

USER, OTHER = "key-of-a-user-with-alerts", "key-of-another-user"
URL = "https://receiver.example/hook?token=t"
THRESHOLD = {"name": "low", "kind": "threshold", "threshold": 0.5, "url": URL}


def create(client: Client, key: str = ADMIN_KEY, **fields: Any) -> dict[str, Any]:
    answer = send(client, "POST", "/v1/alerts", key, **{**THRESHOLD, **fields})
    assert answer.status == 201, answer.data
    return answer.json


def change(client: Client, number: int, key: str = ADMIN_KEY, **fields: Any) -> dict[str, Any]:
    answer = client.request("PATCH", f"/v1/alerts/{number}", json.dumps(fields).encode(), x_api_key=key)
    assert answer.status == 200, answer.data
    return answer.json
