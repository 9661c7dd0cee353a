"""Create alerts, and read their events."""

from typing import Any

from tests.support.client import Client, send
from tests.support.keys import ADMIN_KEY
from tests.support.receiver import wait_until


def create(client: Client, url: str, key: str = ADMIN_KEY, **fields: Any) -> dict[str, Any]:
    """Create an alert on requests with a confidence below 0.5."""
    fields = {"name": "low", "kind": "threshold", "threshold": 0.5, **fields}
    fields = {name: value for name, value in fields.items() if value is not None}
    answer = send(client, "POST", "/v1/alerts", key, url=url, **fields)
    assert answer.status == 201, answer.data
    return answer.json


def read_feed(client: Client, key: str = ADMIN_KEY, **query: object) -> list[dict[str, Any]]:
    parameters = "&".join(f"{name}={value}" for name, value in query.items())
    answer = client.request("GET", f"/v1/alerts/feed?{parameters}", x_api_key=key)
    assert answer.status == 200, answer.data
    return answer.json["events"]


def wait_for_status(client: Client, status: str) -> dict[str, Any]:
    wait_until(lambda: [event["status"] for event in read_feed(client)] == [status])
    return read_feed(client)[0]
