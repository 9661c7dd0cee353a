"""`manage.py import`: exported traces and those of an engine are stored value for value, once."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.access.hasher import Hasher
from core.database import pool
from core.transfer.import_items import MAX_OUTAGES
from tests.support.client import Client
from tests.support.command import Command
from tests.support.documents import TRACES, load_trace, trace_names
from tests.support.environment import ROOT
from tests.support.imports import KEY, ids, small, write_lines
from tests.support.keys import SECRET, label


@pytest.fixture
def second(second_url: str) -> Any:
    with psycopg.connect(second_url, autocommit=True) as conn:
        yield conn


def dump(conn: psycopg.Connection, table: str) -> list[Any]:
    """Return the rows of a table without what an import cannot restore: ids, times of ingest and the poster."""
    leave = "'{ingested_at,posted_by,stored_xid,id,request_pk,block_id,document,log,document_bytes}'::text[]"
    own = "r.request_id" if table == "requests" else "(select q.request_id from requests q where q.id = r.request_pk)"
    statement = f"select {own}, to_jsonb(r) - {leave} from {table} r order by 1, 2"
    return conn.execute(statement.encode()).fetchall()


def test_export_then_import_restores_the_same_requests(
    client: Client, second_client: Client, sql: psycopg.Connection, second: psycopg.Connection, manage: Command
) -> None:
    database_url, second_url = sql.info.dsn, second.info.dsn
    for name in trace_names():
        assert client.ingest(load_trace(name)).status == 201
    assert client.ingest(small("owned", user_api_key=KEY, active_mod_name=f"nudge@{KEY}")).status == 201
    assert client.ingest(small("short", user_api_key="bob")).status == 201
    assert manage("export", "--what", "traces", "--output", "all.jsonl.zst", on=database_url).exit_code == 0
    done = manage("import", "all.jsonl.zst", on=second_url)
    assert done.exit_code == 0, done.output
    count = len(trace_names()) + 2
    assert done.stderr == f"{count} ok\n"
    tables = ("requests", "request_steps", "step_logit_summaries", "mod_calls", "mod_logs", "actions")
    for table in tables:
        assert dump(sql, table) == dump(second, table) != [], table
    for request_id in ids(sql):
        assert client.get(f"/logs/{request_id}/trace").json == second_client.get(f"/logs/{request_id}/trace").json
        logs = [one.log(request_id) for one in (client, second_client)]
        assert logs[0] == logs[1]
    for key, own in ((KEY, "owned"), ("bob", "short")):
        answer = second_client.request("GET", "/logs", x_api_key=key)
        assert [row["request_id"] for row in answer.json["data"]] == [own], "the user's own key finds it"


def test_a_second_import_skips_stored_traces(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    assert manage("import", TRACES, on=database_url).exit_code == 0
    again = manage("import", TRACES, on=database_url)
    assert (again.exit_code, again.stderr) == (0, f"{len(trace_names())} skipped\n")
    assert sql.execute("select max(revision) from requests").fetchone() == (1,)


def test_an_interrupted_import_can_be_continued(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    whole = write_lines("whole.jsonl", *(load_trace(name) for name in trace_names())).read_bytes()
    packed = gzip.compress(whole, mtime=0)
    Path("cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    first = manage("import", "cut.jsonl.gz", on=database_url)
    came = len(ids(sql))
    assert 0 < came < len(trace_names())
    assert first.exit_code == 1
    assert f"failed: cut.jsonl.gz after line {came}: the compressed file is damaged or truncated" in first.stdout
    second = manage("import", "whole.jsonl", on=database_url)
    assert (second.exit_code, second.stderr) == (0, f"{len(trace_names()) - came} ok, {came} skipped\n")


def test_a_killed_import_can_be_continued(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    lines = write_lines("x.jsonl", *(small(f"r{number}") for number in range(6))).read_bytes().splitlines(keepends=True)
    with subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "import", "-"],
        env={**os.environ, "DATABASE_URL": database_url, "THUNDER_SECRET": SECRET},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"".join(lines[:3]))
        process.stdin.flush()
        assert [process.stdout.readline() for _ in range(3)] == [b"ok r0\n", b"ok r1\n", b"ok r2\n"]
        process.kill()
    again = manage("import", "x.jsonl", on=database_url)
    assert (again.exit_code, again.stderr) == (0, "3 ok, 3 skipped\n")
    assert sorted(ids(sql)) == [f"r{number}" for number in range(6)]


def test_another_trace_with_the_id_is_replaced_only_on_request(
    client: Client, database_url: str, manage: Command
) -> None:
    assert client.ingest(small("a", model="old")).status == 201
    path = write_lines("x.jsonl", small("a", model="new"))
    kept = manage("import", path, on=database_url)
    assert kept.stdout == "conflict a (another trace has this id; --on-conflict replace replaces it)\n"
    assert (kept.exit_code, kept.stderr) == (3, "1 conflict\n")
    assert client.log("a")["model_id"] == "old"
    replaced = manage("import", "--on-conflict", "replace", path, on=database_url)
    assert (replaced.exit_code, replaced.stdout, replaced.stderr) == (0, "replaced a\n", "1 replaced\n")
    assert client.log("a")["model_id"] == "new"
    for choice in ("replace", "skip"):
        equal = manage("import", "--on-conflict", choice, path, on=database_url)
        assert (equal.exit_code, equal.stdout) == (0, "skipped a\n")


def test_the_same_document_of_another_owner_is_a_conflict(client: Client, database_url: str, manage: Command) -> None:
    assert client.ingest(small("a", user_api_key=KEY)).status == 201
    assert client.ingest(small("b")).status == 201
    own, others = (small("a", user_api_key=key) for key in (KEY, "sk-user-of-somebody-else"))
    path = write_lines("x.jsonl", own, others, small("b", model="new"), {"request": {}})
    done = manage("import", path, on=database_url)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["skipped", "conflict", "conflict", "failed:"]
    assert (done.exit_code, done.stderr) == (1, "1 skipped, 2 conflict, 1 failed\n"), (
        "a failure takes precedence over a conflict"
    )


def test_a_label_restores_its_owner(client: Client, database_url: str, manage: Command) -> None:
    assert client.ingest(small("a", user_api_key=KEY)).status == 201
    document = small("b", user_api_key=label(KEY))
    assert manage("import", write_lines("x.jsonl", document), on=database_url).stdout == "ok b\n"
    shown = client.request("GET", "/logs", x_api_key=KEY).json["data"]
    assert [(row["request_id"], row["user_api_key"]) for row in shown] == [("b", label(KEY)), ("a", label(KEY))]


def test_a_trace_with_an_unknown_label_belongs_to_the_admins(
    client: Client, database_url: str, second_url: str, manage: Command, second: psycopg.Connection
) -> None:
    assert client.ingest(small("a", user_api_key=KEY)).status == 201
    manage("export", "--what", "traces", "--output", "x.jsonl", on=database_url)
    lost = manage("import", "x.jsonl", on=second_url, THUNDER_SECRET="another")
    assert lost.stdout == "ok a (its user's label is unknown in this database)\n"
    owner = "select user_key_hmac, user_key_label from requests"
    assert second.execute(owner).fetchone() == (None, None)
    assert manage("secret", "accept", "--yes", on=second_url).exit_code == 0
    # The secret of the export shows that the label belongs to another user.
    found = manage("import", "--on-conflict", "replace", "x.jsonl", on=second_url)
    assert found.stdout == "replaced a\n"
    assert second.execute(owner).fetchone() == (Hasher(SECRET.encode()).hash_user_key(KEY), label(KEY))


def test_a_trace_without_a_label_keeps_its_owner(
    client: Client, database_url: str, second_url: str, manage: Command, second: psycopg.Connection
) -> None:
    body = json.dumps({"name": "engine", "scopes": ["ingest"], "allowed_api_key": KEY}).encode()
    key = client.post_bytes("/auth/keys", body, x_api_key=client.key).json["api_key"]
    assert client.ingest(small("a"), x_api_key=key).status == 201
    manage("export", "--what", "traces", "--output", "x.jsonl", on=database_url)
    assert manage("import", "x.jsonl", on=second_url).stdout == "ok a\n"
    assert second.execute("select user_key_label from requests").fetchone() == (label(KEY),)
    assert manage("import", "x.jsonl", on=database_url).stdout == "skipped a\n"


def test_an_unreachable_database_ends_an_import(
    manage: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "CHECKOUT_TIMEOUT_S", 0.5)
    names = [f"r{number}" for number in range(MAX_OUTAGES + 5)]
    path = write_lines("x.jsonl", *map(small, names))
    done = manage("import", path, on=f"postgresql://u:hunter2@/none?host={tmp_path}")
    assert done.exit_code == 1
    assert done.stdout.count("failed: ") <= MAX_OUTAGES
    assert "Traceback" not in done.output
    assert "hunter2" not in done.output
