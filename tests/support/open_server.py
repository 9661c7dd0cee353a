"""A server where ingest is open, for tests of who may read, replace and find traces."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql as psycopg_sql

from tests.support.client import Answer, Client, make_key, send
from tests.support.documents import Document, action, call, make_document, number, one_token
from tests.support.keys import ADMIN_KEY


@dataclass(frozen=True)
class OpenServer:
    """A server where ingest is open, and a direct connection to its database."""

    client: Client
    sql: psycopg.Connection
    numbers: Iterator[int]

    def name(self, kind: str = "r") -> str:
        return f"{kind}-{next(self.numbers)}"

    def post(self, user: str | None = None, key: str | None = ADMIN_KEY, request_id: str | None = None) -> str:
        """Post a complete trace and return its id."""
        request_id = request_id or self.name()
        answer = attempt(self.client, make_trace(request_id, user), key)
        assert answer.status == 201, answer.data
        return request_id

    def give(self, user: str | None = None, *scopes: str) -> str:
        """Issue a key for a user."""
        fields: dict[str, Any] = {"scopes": list(scopes)} if scopes else {}
        return make_key(self.client, name="given", allowed_api_key=user or "", **fields)["api_key"]

    def get(self, path: str, key: str | None) -> Answer:
        return send(self.client, "GET", path, key)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all tables that contain traces."""
        tables = self.sql.execute("select tablename from pg_tables where schemaname = 'public' order by 1").fetchall()
        named = [str(name) for (name,) in tables]
        dumped = {
            name: self.sql.execute(psycopg_sql.SQL("table {}").format(psycopg_sql.Identifier(name))).fetchall()
            for name in named
        }
        return {name: sorted(rows, key=repr) for name, rows in dumped.items() if name != "api_keys"}


def make_trace(request_id: str, user: str | None = None, **parts: Any) -> Document:
    request = {"final_text": request_id, **({"user_api_key": user} if user else {}), **parts.pop("request", {})}
    calls = [call(1), call(2, "Added")]
    lines = [{"mod_call_sequence": 0, "mod_name": "nudge", "log_message": "hm"}]
    rows = {"mod_calls": calls, "mod_logs": lines, "actions": [action("Noop")], **parts}
    return make_document(request_id, number(one_token()), request=request, **rows)


def attempt(client: Client, document: object, key: str | None) -> Answer:
    return client.ingest(document, **({"x_api_key": key} if key else {}))
