"""Responses of other servers are exported, imported and rescored like traces."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.access.hasher import strip_labels
from tests.support.answers import load, make_chat, post
from tests.support.client import Client
from tests.support.command import Command
from tests.support.derived import AGE, DERIVED, dump, read_scores
from tests.support.keys import label
from tests.support.spans import SPAN, TRACE, export, make_inference, make_span

STREAM = b'data: {"id":"s","object":"text_completion","choices":[{"text":"a","logprobs":null}]}\n\ndata: [DONE]\n\n'
COLUMNS = "request_id, source, group_id, tokens, sequence_confidence, final_text, model, user_key_label, created_at"


@pytest.fixture
def stored(client: Client) -> Client:
    own: dict[str, object] = {"user_api_key": "a user", "created_at": 5, "request": {}}
    assert post(client, {"request_id": "g", **own, "response": make_chat("one", "two")}).status == 207
    assert post(client, {"request_id": "plain", **own, "response": load("plain")}).status == 201
    assert client.post_bytes("/v1/ingest", STREAM, content_type="text/event-stream").status == 201
    return client


def read_rows(sql: psycopg.Connection) -> list[tuple[object, ...]]:
    return sql.execute(f"select {COLUMNS} from requests order by request_id".encode()).fetchall()


def read_documents(sql: psycopg.Connection) -> list[tuple[object, ...]]:
    joined = "request_traces join requests on id = request_pk"
    return sql.execute(f"select format, choice, document from {joined} order by request_id".encode()).fetchall()


def test_answers_move_to_another_database(
    stored: Client, database_url: str, second_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    del stored
    assert manage("export", "--what", "traces", "--output", "all.jsonl", on=database_url).exit_code == 0
    done = manage("import", "all.jsonl", on=second_url)
    assert done.exit_code == 0, done.output
    assert done.stderr == "4 ok\n"
    with psycopg.connect(second_url) as other:
        assert read_rows(other) == read_rows(sql)
        assert read_documents(other) == read_documents(sql)
    assert manage("import", "all.jsonl", on=second_url).stderr == "4 skipped\n"


@pytest.mark.usefixtures("stored")
def test_steps_of_answers_are_exported(database_url: str, manage: Command) -> None:
    done = manage("export", "--what", "steps", "--output", "-", on=database_url)
    assert done.exit_code == 0, done.output
    assert [line.split('"')[3] for line in done.stdout.splitlines()] == ["g~0", "g~1", "plain", "plain"]


@pytest.mark.usefixtures("stored")
def test_answers_are_rescored(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    before, rows = read_scores(sql), {table: sorted(map(str, dump(sql, table))) for table in DERIVED}
    sql.execute(AGE)
    done = manage("rescore", on=database_url)
    assert done.exit_code == 0, done.output
    assert read_scores(sql) == before
    assert {table: sorted(map(str, dump(sql, table))) for table in DERIVED} == rows


ITEMS: list[Any] = [
    {"request_id": "g", "response": make_chat("one", "two"), "user_api_key": "a user"},
    [{"request_id": "in a list", "response": load("tgi_generate")}, make_chat("bare") | {"id": "bare"}],
    {"request_id": "failed", "request": {"model": "m"}, "error": "timeout", "metadata": {"api_key": "sk-1"}},
]


@pytest.mark.parametrize("is_remote", [False, True])
def test_items_of_applications_are_imported_like_posts(
    client: Client, database_url: str, manage: Command, *, is_remote: bool
) -> None:
    Path("items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in ITEMS), encoding="utf-8")
    to = ("--url", client.url, "--key", client.key) if is_remote else ()
    done = manage("import", *to, "items.jsonl", on=None if is_remote else database_url)
    assert [line.split(" ", 1)[0] for line in done.stdout.splitlines()] == ["ok"] * 4, done.output
    rows = {row["request_id"]: row for row in client.get("/logs?limit=9").json["data"]}
    assert {"g~0", "g~1", "in a list", "bare", "failed"} == rows.keys()
    assert rows["g~1"]["user_api_key"] == label("a user")
    again = manage("import", *to, "items.jsonl", on=None if is_remote else database_url)
    assert again.stdout.count("skipped ") == 4, again.output
    changed = json.dumps({"request_id": "failed", "error": "other"})
    Path("items.jsonl").write_text(changed, encoding="utf-8")
    kept = manage("import", *to, "items.jsonl", on=None if is_remote else database_url)
    assert (kept.exit_code, kept.stdout.split(" (")[0]) == (3, "conflict failed")


def test_exported_answers_are_posted_over_http(
    stored: Client, second_client: Client, database_url: str, manage: Command
) -> None:
    span = make_span(make_inference(make_chat("Paris"), user_api_key_hash="88dc28d0f030c55ed4ab77ed8faf0981"))
    assert export(stored, span).json == {}
    assert manage("export", "--what", "traces", "--output", "all.jsonl", on=database_url).exit_code == 0
    to = ("--url", second_client.url, "--key", second_client.key, "all.jsonl")
    done = manage("import", *to)
    named = [line for line in done.stdout.splitlines() if line.startswith("failed")]
    assert all("does not support users that are given by a label" in line for line in named), done.output
    assert {row["request_id"] for row in second_client.get("/logs").json["data"]} == {f"{TRACE}-{SPAN}", "s"}
    again = manage("import", *to)
    assert again.stdout.count("skipped") == 2, again.output
    for path in ("s", f"{TRACE}-{SPAN}"):
        texts = [strip_labels(one.get(f"/logs/{path}/trace").data.decode()) for one in (stored, second_client)]
        assert texts[0] == texts[1]
