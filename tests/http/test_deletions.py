"""Deletion: no table keeps a row of the request, and a receipt records the number of rows."""

import hashlib
import json
import threading
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql as composed

from core.cli.age import read_age
from core.deletions import deletion
from core.wire.zstandard import decompress
from functions.jobs.schedule import run
from tests.support.client import Client, send
from tests.support.command import Command
from tests.support.documents import action, call, load_trace, make_document, number, one_token
from tests.support.keys import ADMIN_KEY, label
from tests.support.labels import insert_calibrator

MARK, USER = "zyxwv-mark", "key-of-the-deleted-user"


def post(client: Client, request_id: str, user: str | None = USER, mod: str = "shared-mod", **request: Any) -> None:
    owner = {"user_api_key": user} if user else {}
    document = make_document(
        request_id,
        number(one_token()),
        mod_calls=[call(1, mod=mod)],
        mod_logs=[{"mod_call_sequence": 0, "mod_name": mod, "log_message": f"log {request_id}"}],
        actions=[action("ForceTokens", tokens=[5])],
        request={**owner, **request},
    )
    assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201


RECORDS = {"deletions", "deletion_chain", "audit_log"}
"""Tables to which a deletion adds rows."""


def dump(sql: psycopg.Connection, *, without: Collection[str] = ()) -> str:
    """Return everything in the database, with compressed frames decompressed."""
    tables = sql.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    text = ""
    for (table,) in tables:
        if table in without:
            continue
        for row in sql.execute(composed.SQL("select * from {}").format(composed.Identifier(table))).fetchall():
            for value in row:
                frame = isinstance(value, bytes) and value.startswith(b"\x28\xb5\x2f\xfd")
                text += f" {decompress(value).decode() if frame else value}"
    return text


def test_no_table_keeps_rows_of_a_deleted_request(client: Client, sql: psycopg.Connection) -> None:
    post(client, "kept", "key-of-another-user")
    before = dump(sql, without=RECORDS)
    request_id = f"{MARK}-id"
    for turn in range(2):
        post(client, request_id, mod=f"{MARK}-mod-{turn}", model=f"{MARK} model", final_text=f"{MARK} text")
    collection = send(client, "POST", "/collections", USER, name="c").json["collection"]["id"]
    path = f"/logs/{request_id}"
    changes: list[tuple[str, dict[str, Any]]] = [
        ("tags", {"tag": f"{MARK} tag"}),
        ("favorite", {"name": f"{MARK} name"}),
        ("discussions", {"username": "ann", "comment": f"{MARK} comment"}),
        ("outcome", {"correct": True, "note": f"{MARK} note"}),
        ("collections", {"collection_id": collection, "notes": f"{MARK} notes"}),
        ("public", {}),
    ]
    for tail, body in changes:
        assert send(client, "POST", f"{path}/{tail}", USER, **body).status < 300
    assert dump(sql).count(MARK) > 15
    answer = send(client, "DELETE", f"{path}/", USER)
    receipt = answer.json["deletion"]
    assert (answer.status, answer.json["request_id"]) == (200, request_id)
    assert receipt["request_sha256"] == hashlib.sha256(request_id.encode()).hexdigest()
    assert (receipt["deleted_by"], receipt["reason"]) == ("user", "request")
    counted = ("steps", "summaries", "mod_calls", "mod_logs", "actions", "discussions", "outcomes", "memberships")
    assert [receipt[name] for name in counted] == [1] * 8
    assert receipt["document_bytes"] > 0
    sql.execute("delete from collections")
    assert MARK not in dump(sql)
    assert sorted(dump(sql, without=RECORDS).split()) == sorted(before.split())


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_deleted_request_is_not_found(client: Client, method: str) -> None:
    post(client, "r1")
    post(client, "r2")
    link = send(client, "POST", "/logs/r1/public", USER).json["public_url"]
    known = client.get("/logs").headers["ETag"]
    assert send(client, "DELETE", "/logs/r1", USER).status == 200
    assert send(client, method, "/logs/r1", USER).status == 404
    assert client.request("GET", link).status == 404
    feed = client.get("/logs", if_none_match=known)
    assert [row["request_id"] for row in feed.json["data"]] == ["r2"]
    post(client, "r1")
    assert client.log("r1")["revision"] == 1


def test_a_large_trace_is_deleted_completely(client: Client, sql: psycopg.Connection) -> None:
    document = load_trace("llama31-8b-force-tokens")
    request_id = document["request"]["request_id"]
    assert client.ingest(document).status == 201
    rows = sql.execute("select count(*) from steps").fetchone()
    receipt = send(client, "DELETE", f"/logs/{request_id}", ADMIN_KEY).json["deletion"]
    assert (receipt["steps"],) == rows
    for table in ("request_steps", "step_logit_summaries", "mods", "mod_blocks", "actions", "request_traces"):
        assert sql.execute(f"select count(*) from {table}".encode()).fetchone() == (0,)


def test_receipts_are_listed_for_admins_and_found_by_id(client: Client) -> None:
    for name in ("r1", "r2"):
        post(client, name)
        send(client, "DELETE", f"/logs/{name}", ADMIN_KEY)
    listed = client.get("/v1/deletions").json
    assert [row["request_sha256"] for row in listed["deletions"]] == [
        hashlib.sha256(name.encode()).hexdigest() for name in ("r2", "r1")
    ]
    found = client.get("/v1/deletions?request_id=r1&limit=5").json
    assert (found["deletions"], found["limit"]) == ([listed["deletions"][1]], 5)
    assert client.get("/v1/deletions?request_id=r3").json["deletions"] == []


def test_traces_are_stored_while_others_with_the_same_mod_are_deleted(client: Client) -> None:
    post(client, "r0", mod="busy")
    failed: list[str] = []
    done = threading.Event()

    def ingest() -> None:
        for index in range(1, 40):
            try:
                post(client, f"r{index}", mod="busy")
            except AssertionError as error:
                failed.append(str(error))
        done.set()

    thread = threading.Thread(target=ingest)
    thread.start()
    gone = 0
    while not done.is_set():
        gone += send(client, "DELETE", f"/logs/r{gone}", ADMIN_KEY).status == 200
    thread.join()
    assert failed == []
    assert client.get("/logs").json["returned"] == 40 - gone


def test_the_command_deletes_a_users_requests_and_collections(
    client: Client, sql: psycopg.Connection, database_url: str, manage: Command
) -> None:
    for index in range(3):
        post(client, f"theirs-{index}")
    post(client, "other", "key-of-another-user")
    send(client, "POST", "/collections", USER, name="theirs")
    refused = manage("delete", "--user-key", USER, on=database_url)
    assert (refused.exit_code, "add --yes" in refused.stderr) == (1, True)
    done = manage("delete", "--user-key", label(USER), "--yes", on=database_url)
    receipts = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.exit_code, len(receipts)) == (0, 3), done.stderr
    assert {(receipt["deleted_by"], receipt["reason"]) for receipt in receipts} == {("command", "user")}
    assert "3 requests deleted" in done.stderr
    assert [row["request_id"] for row in client.get("/logs").json["data"]] == ["other"]
    assert client.get("/collections").json["total"] == 0
    assert label(USER) not in dump(sql)


@pytest.mark.parametrize("table", ["calibrators", "collections"])
def test_the_command_finds_a_user_without_requests(
    table: str, client: Client, sql: psycopg.Connection, database_url: str, manage: Command
) -> None:
    post(client, "theirs")
    if table == "calibrators":
        insert_calibrator(sql, label(USER))
    else:
        send(client, "POST", "/collections", USER, name="theirs")
    assert send(client, "DELETE", "/logs/theirs", ADMIN_KEY).status == 200
    done = manage("delete", "--user-key", USER, "--yes", on=database_url)
    assert (done.exit_code, "0 requests deleted" in done.stderr) == (0, True), done.stderr
    assert sql.execute(composed.SQL("select count(*) from {}").format(composed.Identifier(table))).fetchone() == (0,)
    again = manage("delete", "--user-key", USER, "--yes", on=database_url)
    assert (again.exit_code, "nothing of this user matches" in again.stderr) == (3, True), again.stderr


def test_the_command_requires_a_selection(database_url: str, manage: Command) -> None:
    nothing: list[str] = []
    for arguments, said in (
        (nothing, "no user or age is given"),
        (["--older-than", "soon"], "'soon': not an age"),
    ):
        refused = manage("delete", *arguments, "--yes", on=database_url)
        assert (refused.exit_code, said in refused.stderr) == (1, True), refused.stderr


def test_retention_deletes_older_requests_in_batches(
    client: Client, sql: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "BATCH", 2)
    for index in range(6):
        post(client, f"r{index}")
    sql.execute("update requests set ingested_at = now() - interval '31 days' where request_id < 'r5'")
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert "RETENTION_DAYS is not set" in run()
    assert client.get("/logs").json["returned"] == 6
    monkeypatch.setenv("RETENTION_DAYS", "30")
    assert run().startswith("5 requests")
    assert [row["request_id"] for row in client.get("/logs").json["data"]] == ["r5"]
    assert {row["reason"] for row in client.get("/v1/deletions").json["deletions"]} == {"age"}
    assert {entry["actor"] for entry in client.get("/v1/audit").json["entries"]} == {"retention"}


def test_ages_have_readable_units() -> None:
    for text, delta in (("90d", timedelta(days=90)), (" 12h", timedelta(hours=12)), ("5 m", timedelta(minutes=5))):
        assert abs(datetime.now(UTC) - delta - read_age(text)) < timedelta(seconds=5)
