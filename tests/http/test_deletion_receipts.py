"""Proof of deletion: receipts form a chain, remains are found, and requests on legal hold are kept."""

import hashlib
import hmac
import json
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.deletions.search import compile_pattern
from tests.support.client import Client, send
from tests.support.command import Command
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET, label

USER = "key-of-the-deleted-user"


def post(client: Client, request_id: str, user: str = USER, **request: Any) -> int:
    return client.ingest(
        make_document(request_id, request={"user_api_key": user, **request}), x_api_key=ADMIN_KEY
    ).status


def delete(client: Client, *ids: str) -> None:
    for request_id in ids:
        assert post(client, request_id) == 201
        assert send(client, "DELETE", f"/logs/{request_id}", ADMIN_KEY).status == 200


def hold(client: Client, request_id: str) -> None:
    assert send(client, "PUT", f"/logs/{request_id}/hold", ADMIN_KEY, reason="case 12").status == 200


@pytest.fixture
def owner(sql: psycopg.Connection) -> psycopg.Connection:
    """A connection of the database's owner, who can disable the triggers; the chain detects that."""
    sql.execute("alter table deletions disable trigger deletions_are_append_only")
    return sql


def test_a_deleted_request_is_proven(client: Client, database_url: str, manage: Command) -> None:
    delete(client, "a", 'the-id-"of\\ü', "z")
    done = manage("verify-deletion", 'the-id-"of\\ü', "--user-key", USER, on=database_url)
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "deleted   yes"), done.output
    assert "3 of 3, an unbroken chain" in done.output
    receipt = client.get("/v1/deletions").json["deletions"][1]
    assert f"receipt   {receipt['ordinal']}, of " in done.output
    assert f"hash      {receipt['chain']}" in done.output


def test_a_request_that_was_not_deleted_is_not_proven(client: Client, database_url: str, manage: Command) -> None:
    delete(client, "a")
    done = manage("verify-deletion", "b", on=database_url)
    assert (done.exit_code, "receipt   missing" in done.output) == (1, True)


LEFT = [
    ("update requests set final_text = 'see the-id.'", "requests.final_text: 1"),
    ("update requests set tags = array['x', 'the-id']", "requests.tags: 1"),
    (
        "insert into discussions (request_pk, username, comment) select id, 'ann', '(the-id)' from requests",
        "comment: 1",
    ),
    (
        """insert into audit_log (actor, action, subject, details) values ('a', 'b', 'c', '{"id": "the-id"}')""",
        "details",
    ),
    ("insert into collections (name, user_key_hmac) select 'c', '\\x{hmac}'", "collections.user_key_hmac: 1"),
    ("insert into collections (name, created_by) values ('c', '{label}')", "collections.created_by: 1"),
    ("insert into collections (name, description) values ('c', 'by {user}')", "collections.description: 1"),
]


@pytest.mark.parametrize("left", LEFT, ids=[place for _, place in LEFT])
def test_remains_in_a_column_are_found(
    client: Client, sql: psycopg.Connection, database_url: str, manage: Command, left: tuple[str, str]
) -> None:
    statement, place = left
    delete(client, "the-id")
    assert post(client, "other", "somebody-else-s-key", final_text="xthe-id the-idx") == 201
    digest = hmac.new(SECRET.encode(), USER.encode(), hashlib.sha256).hexdigest()
    clean = manage("verify-deletion", "the-id", "--user-key", USER, on=database_url)
    assert clean.exit_code == 0, clean.output
    for old, new in {"{hmac}": digest, "{label}": label(USER), "{user}": USER}.items():
        statement = statement.replace(old, new)
    sql.execute(statement.encode())
    done = manage("verify-deletion", "the-id", "--user-key", USER, on=database_url)
    assert (done.exit_code, place in done.output) == (1, True), done.output


def test_remains_in_a_document_are_found(client: Client, database_url: str, manage: Command) -> None:
    delete(client, "the-id")
    body = b'{"request": {"request_id": "other", "parent": "\\u0074he-\\u0069d"}}'
    assert client.post_bytes("/v1/ingest", body, x_api_key=ADMIN_KEY).status == 201
    done = manage("verify-deletion", "the-id", on=database_url)
    assert (done.exit_code, "stored documents: 1" in done.output) == (1, True), done.output


HOSTILE = st.text(st.sampled_from('aAz09u.*("\\/\n\téĠ\U0001f642-…#'), min_size=1, max_size=8)


@given(text=HOSTILE, before=HOSTILE, is_ascii=st.booleans(), depth=st.integers(1, 3))
@example(text="r-\U0001f642", before=":", is_ascii=True, depth=1)
@example(text="x\\u0062y", before=":", is_ascii=False, depth=2)
@example(text="sk/a", before="\n", is_ascii=False, depth=3)
@settings(max_examples=300, deadline=None)
def test_a_text_is_found_however_json_writes_it(text: str, before: str, *, is_ascii: bool, depth: int) -> None:
    written = f"{before}\n{text} "
    for _ in range(depth):
        written = json.dumps(written, ensure_ascii=is_ascii)
    pattern = compile_pattern([text])
    for document in (written, written.replace("/", "\\/")):
        assert pattern.search(document.encode())


@pytest.mark.parametrize("document", ["xthe-id", "the-idx", "the-i", "\\\\the", "the_id"])
def test_a_part_of_a_longer_word_is_not_found(document: str) -> None:
    assert compile_pattern(["the-id"]).search(json.dumps(document).encode()) is None


@pytest.mark.parametrize("arguments", [[""], ["x", "--user-key", ""], ["\udcff"], ["x", "--user-key", "\udcff"]])
def test_an_empty_or_unreadable_text_is_not_searched(database_url: str, manage: Command, arguments: list[str]) -> None:
    done = manage("verify-deletion", *arguments, on=database_url)
    assert (done.exit_code, "empty, or not UTF-8" in done.output) == (1, True), done.output


BREAKS = [
    ("delete from deletions where ordinal = 2", "broken at receipt 3"),
    ("delete from deletions where ordinal = 1", "broken at receipt 2"),
    ("delete from deletions where ordinal = 3", "broken at its end"),
    ("update deletions set deleted_by = 'admin2' where ordinal = 2", "broken at receipt 2"),
    (
        "update deletions set deleted_at = deleted_at - interval '1 microsecond' where ordinal = 1",
        "broken at receipt 1",
    ),
    ("delete from deletions", "broken at its end"),
]


@pytest.mark.parametrize("broken", BREAKS, ids=[statement for statement, _ in BREAKS])
def test_a_missing_or_changed_receipt_is_detected(
    client: Client, owner: psycopg.Connection, database_url: str, manage: Command, broken: tuple[str, str]
) -> None:
    statement, sentence = broken
    delete(client, "a", "b", "c")
    owner.execute(statement.encode())
    done = manage("verify-deletion", "b", on=database_url)
    assert (done.exit_code, sentence in done.output) == (1, True), done.output


def test_the_chain_can_be_recomputed_from_the_api(client: Client, sql: psycopg.Connection) -> None:
    delete(client, "a", "b")
    names = "steps, summaries, mod_calls, mod_logs, actions, discussions, outcomes, memberships"
    chain = b""
    for receipt in reversed(client.get("/v1/deletions").json["deletions"]):
        ((epoch,),) = sql.execute(
            "select extract(epoch from deleted_at)::text from deletions where ordinal = %s", [receipt["ordinal"]]
        ).fetchall()
        fields = ("ordinal", "request_sha256", "", "deleted_by", "reason", "document_bytes", *names.split(", "))
        text = "|".join(str(receipt[field]) if field else epoch for field in fields)
        chain = hashlib.sha256(chain + text.encode()).digest()
        assert receipt["chain"] == chain.hex()


@pytest.mark.parametrize(
    "statement", ["update deletions set reason = 'age'", "delete from deletions", "truncate deletions"]
)
def test_receipts_cannot_be_changed(client: Client, sql: psycopg.Connection, statement: str) -> None:
    delete(client, "a")
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        sql.execute(statement.encode())


def test_a_request_on_hold_cannot_be_deleted(client: Client, database_url: str, manage: Command) -> None:
    assert [post(client, name) for name in ("held", "free")] == [201, 201]
    hold(client, "held")
    for key in (USER, ADMIN_KEY):
        answer = send(client, "DELETE", "/logs/held", key)
        assert (answer.status, "legal hold" in answer.json["message"]) == (409, True)
    assert post(client, "held", final_text="replaced") == 409
    done = manage("delete", "--user-key", USER, "--yes", on=database_url)
    assert (done.exit_code, "1 request kept, because of a legal hold" in done.output) == (0, True), done.output
    cleared = manage("clear", "--yes", "--yes-production", on=database_url)
    assert (cleared.exit_code, "1 request is on legal hold" in cleared.output) == (1, True), cleared.output
    assert [row["request_id"] for row in client.get("/logs").json["data"]] == ["held"]
    assert send(client, "DELETE", "/logs/held/hold", ADMIN_KEY).status == 200
    assert send(client, "DELETE", "/logs/held", USER).status == 200


def test_holds_are_listed_and_recorded(client: Client) -> None:
    assert post(client, "held") == 201
    hold(client, "held")
    assert [one["request_id"] for one in client.get("/v1/holds").json["holds"]] == ["held"]
    assert send(client, "DELETE", "/logs/held/hold", ADMIN_KEY).status == 200
    assert send(client, "DELETE", "/logs/held/hold", ADMIN_KEY).status == 404
    assert client.get("/v1/holds").json["holds"] == []
    actions = [entry["action"] for entry in client.get("/v1/audit").json["entries"]]
    assert actions == ["request.release", "request.hold"]


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 1001}, {"reason": 5}])
def test_a_hold_requires_a_reason(client: Client, body: dict[str, Any]) -> None:
    assert post(client, "r") == 201
    assert send(client, "PUT", "/logs/r/hold", ADMIN_KEY, **body).status == 400
