"""Clients of the stream: a WebSocket and an event stream, on real sockets."""

import contextlib
import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import psycopg
import urllib3
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.client import Answer, Client
from tests.support.keys import ADMIN_KEY

WAIT_S = 30
"""The time limit for a message; all messages are faster."""
PATH = "/logs/stream"


@contextlib.contextmanager
def open_socket(
    client: Client,
    headers: dict[str, str] | None = None,
    query: Mapping[str, str | None] = MappingProxyType({"api_key": ADMIN_KEY}),
    *,
    path: str = PATH,
) -> Generator[ClientConnection]:
    """Open a WebSocket, by default with the admin key."""
    asked = urlencode({name: value for name, value in query.items() if value is not None})
    url = f"{client.url.replace('http', 'ws', 1)}{path}?{asked}"
    # Without pings, because a test that reads nothing for a while would not see the answers to them.
    limits = {"max_size": None, "open_timeout": WAIT_S, "close_timeout": 1, "ping_interval": None}
    with connect(url, additional_headers=headers, **limits) as socket:
        yield socket


def receive(socket: ClientConnection, count: int = 1) -> list[dict[str, Any]]:
    return [json.loads(socket.recv(timeout=WAIT_S)) for _ in range(count)]


def receive_ids(socket: ClientConnection, count: int = 1) -> list[str]:
    return [read_id(message) for message in receive(socket, count)]


def read_id(message: dict[str, Any]) -> str:
    assert message["type"] == "new_log", message
    return message["data"]["request_id"]


def receive_close(socket: ClientConnection) -> tuple[int, str]:
    """Return the code and reason with which the server closes, and assert that it sends no message before."""
    with contextlib.suppress(ConnectionClosed):
        raise AssertionError(socket.recv(timeout=WAIT_S))
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


@dataclass
class Event:
    id: str | None = None
    name: str | None = None
    data: list[str] = field(default_factory=list[str])
    other: list[str] = field(default_factory=list[str])

    @property
    def message(self) -> dict[str, Any]:
        return json.loads("\n".join(self.data))


@dataclass
class Events:
    """An event stream, read like a browser would."""

    response: urllib3.BaseHTTPResponse
    last_id: str | None = None

    def __post_init__(self) -> None:
        self.events = self._read()

    def _read(self) -> Iterator[Event]:
        event, buffer = Event(), b""
        while chunk := self.response.read1(2**20):
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                if not line:
                    self.last_id = event.id or self.last_id
                    yield event
                    event = Event()
                    continue
                name, _, value = line.decode().partition(":")
                match name:
                    case "id":
                        event.id = value.strip()
                    case "event":
                        event.name = value.strip()
                    case "data":
                        event.data.append(value.strip())
                    case _:
                        event.other.append(line.decode())

    def next(self) -> Event:
        """Return the next event that carries data."""
        return next(event for event in self.events if event.data)

    def ids(self, count: int = 1) -> list[str]:
        return [read_id(self.next().message) for _ in range(count)]


@contextlib.contextmanager
def open_events(client: Client, path: str = PATH, key: str | None = ADMIN_KEY, **headers: str) -> Generator[Events]:
    """Open an event stream and wait for its first event, after which all stored traces are sent."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with urllib3.PoolManager(retries=False, timeout=WAIT_S) as pool:
        sent = {"Accept": "text/event-stream", **({"X-API-Key": key} if key else {}), **named}
        response = pool.request("GET", client.url + path, headers=sent, preload_content=False)
        assert response.status == 200, response.data
        try:
            events = Events(response)
            next(events.events)
            yield events
        finally:
            response.close()


def ask_for_events(client: Client, key: str | None) -> Answer:
    """Return the answer to opening an event stream. A stream that opens is closed at once and has no data."""
    headers = {"Accept": "text/event-stream", **({"X-API-Key": key} if key else {})}
    response = client.pool.request("GET", client.url + PATH, headers=headers, preload_content=False)
    try:
        return Answer(response.status, response.headers, b"" if response.status == 200 else response.read())
    finally:
        response.close()


def ask_for_socket(client: Client, key: str | None) -> int:
    """Return 101 if a WebSocket stays open, else the code with which it is closed."""
    with open_socket(client, {"X-API-Key": key} if key else None, {}) as socket:
        try:
            socket.recv(timeout=0.3)
        except TimeoutError:
            return 101
        except ConnectionClosed:
            return socket.close_code or 0
        raise AssertionError("a message arrived, but no trace was stored")


def name_all(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number:04}" for number in range(count)]


def copy_request(sql: psycopg.Connection, source: str, ids: list[str], *, text: str | None = None) -> None:
    """Store copies of a request's row in one transaction, as one ingest of all of them would."""
    with sql.transaction():
        columns = [
            name
            for (name,) in sql.execute(
                "select column_name::text from information_schema.columns where table_name = 'requests' and"
                " column_name not in ('id', 'request_id', 'stored_xid', 'final_text')"
            )
        ]
        names = ", ".join(columns)
        statement = (
            f"insert into requests (request_id, final_text, {names})"
            f" select new.id, %(text)s::text, {names}"
            " from unnest(%(ids)s::text[]) with ordinality as new (id, ordinal), requests"
            " where requests.request_id = %(source)s order by new.ordinal"
        )
        sql.execute(statement.encode(), {"text": text, "ids": ids, "source": source})
        sql.execute("select pg_notify('thunder_logs', '')")
