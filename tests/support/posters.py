"""Clients that post traces until they are acknowledged, and checks that all of them are stored once and complete."""

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg
import urllib3
from psycopg import sql

from core.access.hasher import Hasher
from tests.support.client import Answer, Client
from tests.support.documents import (
    Document,
    action,
    call,
    load_trace,
    make_document,
    masked,
    number,
    one_token,
    trace_names,
)
from tests.support.keys import SECRET
from tests.support.prepared import prepare_trace

NO_ANSWER = 0
"""Replaces the status if the connection broke."""
PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.05
VIEWS = {
    "request_steps": "steps",
    "step_logit_summaries": "passes",
    "mod_calls": "handler_calls",
    "mod_logs": "handler_logs",
    "actions": "handler_actions",
}
"""The views with one row per entry of a table's arrays."""
CHILDREN = ("request_traces", *VIEWS)


def small(request_id: str, tokens: int = 3) -> Document:
    """Return a small trace with a row in each table."""
    logs = [{"mod_call_sequence": 0, "mod_name": "nudge", "log_message": f"of {request_id}"}]
    return make_document(
        request_id,
        number(one_token() * tokens),
        request={"user_api_key": "key-of-a-user-in-faults", "final_text": f"the text of {request_id}"},
        mod_calls=[call(1)],
        mod_logs=logs,
        actions=[action("Noop")],
    )


def recorded(request_id: str, name: str) -> Document:
    """Return a recorded trace under another id."""
    document = load_trace(name)
    return {**document, "request": {**document["request"], "request_id": request_id}}


def mixed(prefix: str, count: int) -> list[Document]:
    """Return small traces, with every tenth a recorded one."""
    names = itertools.cycle(name for name in trace_names() if name != "long-story")
    return [
        recorded(f"{prefix}-{index}", next(names)) if index % 10 == 0 else small(f"{prefix}-{index}", 1 + index % 7)
        for index in range(count)
    ]


def id_of(document: Document) -> str:
    return document["request"]["request_id"]


@dataclass(slots=True)
class Poster:
    """A client that posts traces and records statuses, acknowledgements and revisions."""

    client: Client
    statuses: Counter[int] = field(default_factory=Counter)
    sentences: Counter[str] = field(default_factory=Counter)
    acknowledged: dict[str, Document] = field(default_factory=dict)
    tries: Counter[str] = field(default_factory=Counter)
    revisions: dict[str, int] = field(default_factory=dict)

    def post(self, document: Document) -> Answer | None:
        """Post once; return None if the connection broke."""
        request_id = id_of(document)
        self.tries[request_id] += 1
        try:
            answer = self.client.ingest(document)
        except urllib3.exceptions.HTTPError:
            self.statuses[NO_ANSWER] += 1
            return None
        self.statuses[answer.status] += 1
        if answer.status == 201:
            self.acknowledged[request_id] = document
            self.revisions[request_id] = answer.json["revision"]
        else:
            self.sentences[answer.json["error"]] += 1
            assert "retry-after" in answer.headers, answer.data
        return answer

    def post_until_stored(self, document: Document) -> None:
        """Post repeatedly until the trace is acknowledged, as a client that retries."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := self.post(document)) is None or answer.status != 201:
            assert time.monotonic() < deadline, f"{id_of(document)} is not stored: {self.statuses} {self.sentences}"
            time.sleep(PAUSE_SECONDS)

    @property
    def summary(self) -> str:
        return f"{dict(self.statuses)} {dict(self.sentences)}"


def assert_whole(client: Client, dsn: str, documents: Iterable[Document], *, alone: bool = True) -> None:
    """Assert that each document is stored once, unchanged and with all rows; if `alone`, also that no others are."""
    expected = {id_of(document): document for document in documents}
    for request_id, document in expected.items():
        answer = client.get(f"/logs/{request_id}/trace")
        assert (answer.status, request_id) == (200, request_id), answer.data
        assert answer.json == masked(document), request_id
    hasher = Hasher(SECRET.encode())
    # The arrays of a request are one row; the views count their entries.
    counted = {
        name: prepare_trace(json.dumps(document).encode(), hasher).counts | {"request_traces": 1}
        for name, document in expected.items()
    }
    with psycopg.connect(dsn) as conn:
        stored = Counter(name for (name,) in conn.execute("select request_id from requests"))
        for table in CHILDREN:
            assert count_children(conn, table, expected) == {
                name: rows[table] for name, rows in counted.items() if rows[table]
            }, table
    if alone:
        assert stored == dict.fromkeys(expected, 1)


def count_children(conn: psycopg.Connection[Any], table: str, names: Iterable[str]) -> dict[str, int]:
    """Count the rows of a table for each of these requests. Requests without rows are left out."""
    view = VIEWS.get(table)
    source = sql.SQL("{}" if view else "{} child join requests on requests.id = child.request_pk")
    statement = sql.SQL("select request_id, count(*) from {} where request_id = any(%s) group by request_id").format(
        source.format(sql.Identifier(view or table))
    )
    return dict(conn.execute(statement, [list(names)]).fetchall())


def count_requests(dsn: str) -> int:
    with psycopg.connect(dsn) as conn:
        row = conn.execute("select count(*) from requests").fetchone()
        assert row is not None
        return int(row[0])
