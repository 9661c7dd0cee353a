"""The HTTP client of the tests: real sockets, no retries, JSON bodies."""

import json
from dataclasses import dataclass
from typing import Any

import urllib3

from tests.support.keys import ADMIN_KEY


@dataclass(frozen=True)
class Answer:
    status: int
    headers: urllib3.HTTPHeaderDict
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


@dataclass(frozen=True)
class Client:
    pool: urllib3.PoolManager
    url: str
    key: str

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a request. Header names are written with underscores: `content_type="text/plain"`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.pool.request(method, self.url + path, body=body, headers=named)
        return Answer(response.status, response.headers, response.data)

    def get(self, path: str, **headers: str) -> Answer:
        """Send a GET with the admin key."""
        return self.request("GET", path, None, x_api_key=self.key, **headers)

    def post_bytes(self, path: str, body: bytes, **headers: str) -> Answer:
        headers.setdefault("content_type", "application/json")
        return self.request("POST", path, body, **headers)

    def ingest(self, document: object, **headers: str) -> Answer:
        """Post one trace without a key."""
        return self.post_bytes("/v1/ingest", json.dumps(document).encode(), **headers)

    def log(self, request_id: str) -> Any:
        answer = self.get(f"/logs/{request_id}")
        assert answer.status == 200, answer.data
        return answer.json


def send(client: Client, method: str, path: str, key: str | None = None, /, **body: Any) -> Answer:
    """Send a request with a JSON object as its body, or without a body if there are no fields."""
    headers = {"x_api_key": key} if key else {}
    if not body:
        return client.request(method, path, None, **headers)
    return client.request(method, path, json.dumps(body).encode(), content_type="application/json", **headers)


def make_key(client: Client, **fields: Any) -> dict[str, Any]:
    """Issue a key as the configured admin."""
    answer = send(client, "POST", "/auth/keys", ADMIN_KEY, **fields)
    assert answer.status == 200, answer.data
    return answer.json
