"""Create and change alerts, and read their events."""

import json
from typing import Any

from tests.support.client import Client, send
from tests.support.keys import ADMIN_KEY
from tests.support.receiver import wait_until

USER, OTHER = "key-of-a-user-with-alerts", "key-of-another-user"
URL = "https://receiver.example/hook?token=t"
THRESHOLD = {"name": "low", "kind": "threshold", "threshold": 0.5, "url": URL}


def create(client: Client, url: str = URL, key: str = ADMIN_KEY, **fields: Any) -> dict[str, Any]:
    """Create an alert, by default on requests with a confidence below 0.5."""
    answer = send(client, "POST", "/v1/alerts", key, **{**THRESHOLD, "url": url, **fields})
    assert answer.status == 201, answer.data
    return answer.json


def change(client: Client, number: int, key: str = ADMIN_KEY, **fields: Any) -> dict[str, Any]:
    answer = client.request("PATCH", f"/v1/alerts/{number}", json.dumps(fields).encode(), x_api_key=key)
    assert answer.status == 200, answer.data
    return answer.json


def read_feed(client: Client, key: str = ADMIN_KEY, **query: object) -> list[dict[str, Any]]:
    parameters = "&".join(f"{name}={value}" for name, value in query.items())
    answer = client.request("GET", f"/v1/alerts/feed?{parameters}", x_api_key=key)
    assert answer.status == 200, answer.data
    return answer.json["events"]


def wait_for_status(client: Client, status: str) -> dict[str, Any]:
    wait_until(lambda: [event["status"] for event in read_feed(client)] == [status])
    return read_feed(client)[0]
