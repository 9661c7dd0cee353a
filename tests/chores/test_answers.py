"""Responses of other servers are exported, imported and rescored like traces."""

import psycopg
import pytest

from tests.answers.test_ingest_answers import load, make_chat, post
from tests.chores.test_rescore import AGE, DERIVED, dump, read_scores
from tests.support.client import Client
from tests.support.command import Command

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
