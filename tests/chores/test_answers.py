"""Responses of other servers are exported, imported and rescored like traces."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.access.hasher import strip_labels
from core.document.formats import ITEM_FORMAT
from core.transfer.exported_item import ExportedItem, wrap_item
from core.wire.zstandard import compress
from tests.support.answers import FIXTURES, load, make_chat, post
from tests.support.client import Client
from tests.support.command import Command
from tests.support.derived import AGE, DERIVED, dump, read_scores
from tests.support.keys import label
from tests.support.model_server import make_chunks
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


def test_stored_documents_of_every_known_shape_are_read_and_rescored(
    client: Client, database_url: str, manage: Command
) -> None:
    names = sorted(path.stem for path in FIXTURES.glob("*.json"))
    shapes = {name: {"request_id": name, "response": load(name)} for name in names}
    chunks = list(make_chunks({"model": "m", "logprobs": True}))
    shapes["chunks"] = {"request_id": "chunks", "response": chunks}
    shapes["group"] = {"request_id": "group", "response": make_chat("one", "two")}
    stream = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    shapes["text"] = {"request_id": "text", "response": stream}
    assert {post(client, item).status for item in shapes.values()} == {201, 207}
    assert export(client, make_span(make_inference(make_chat("Paris")))).json == {}
    ids = [row["request_id"] for row in client.get("/logs?limit=100").json["data"]]
    assert len(ids) == len(shapes) + 2
    before = [_read_everywhere(client, one) for one in ids]
    done = manage("rescore", "--all", on=database_url)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, f"rescored {len(ids)} requests")
    assert [_read_everywhere(client, one) for one in ids] == before


def _read_everywhere(client: Client, request_id: str) -> list[Any]:
    answers = [client.get(f"/{path}/{request_id}") for path in ("logs", "v1/confidence")]
    assert [answer.status for answer in answers] == [200, 200], request_id
    log, report = (answer.json for answer in answers)
    return [log["steps"], log["final_text"], log["warnings"], report]


NO_LONGER_ACCEPTED: dict[str, Any] = {
    "nested logits": {**make_chat("one", "two"), "meta_info": {"logprobs_mode": "raw_logits"}},
    "unfinished": {**load("openai_responses"), "status": "in_progress"},
    "failed choices": {
        **make_chat("one", "two"),
        "choices": [{**choice, "error": {"message": "overloaded"}} for choice in make_chat("one", "two")["choices"]],
    },
}


@pytest.mark.parametrize("name", NO_LONGER_ACCEPTED)
def test_documents_that_posts_may_no_longer_contain_stay_readable(
    client: Client, database_url: str, manage: Command, sql: psycopg.Connection, name: str
) -> None:
    document = json.dumps({"request_id": "g", "response": NO_LONGER_ACCEPTED[name]}).encode()
    ids = ["g"] if name == "unfinished" else ["g~0", "g~1"]
    posted = load("openai_responses") if name == "unfinished" else make_chat("one", "two")
    assert post(client, {"request_id": "g", "response": posted}).status in {201, 207}
    sql.execute("update request_traces set document = %s", [compress([document])])
    sql.execute("update requests set revision = 2")
    texts = [_read_everywhere(client, one)[1] for one in ids]
    assert texts == (["one", "two"] if len(ids) == 2 else texts)
    done = manage("rescore", "--all", on=database_url)
    assert (done.exit_code, done.stdout.startswith(f"rescored {len(ids)} requests")) == (0, True), done.output


def test_an_export_that_posts_may_no_longer_contain_is_imported_into_the_database(
    client: Client, database_url: str, manage: Command
) -> None:
    document = json.dumps({"request_id": "g", "response": NO_LONGER_ACCEPTED["nested logits"]})
    Path("old.jsonl").write_bytes(wrap_item(ExportedItem(ITEM_FORMAT, 0, "g~0", "g", document)))
    done = manage("import", "--url", client.url, "--key", client.key, "old.jsonl")
    assert (done.exit_code, "logprobs_mode: logits" in done.stdout) == (1, True), done.output
    assert done.stdout.strip().endswith("; import it without --url")
    done = manage("import", "old.jsonl", on=database_url)
    assert (done.exit_code, done.stderr) == (0, "1 ok\n")
