"""`make chaos` itself: a short run finds no problems, and the checker finds lost, repeated and wrong data."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.chaos.checker import Verdict, check
from tests.chaos.clients import USERS, make_trace
from tests.chaos.ledger import Ledger, digest
from tests.support.client import Client, send
from tests.support.documents import masked
from tests.support.environment import ROOT
from tests.support.keys import ADMIN_KEY

MINUTES = "0.1"


def test_a_short_run_loses_nothing() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--minutes", MINUTES, "--seed", "5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost 0, repeated 0, wrong 0" in done.stdout


Tamper = Callable[[psycopg.Connection, list[dict[str, Any]]], object]


def change(statement: str) -> Tamper:
    return lambda sql, _: sql.execute(statement.encode())


def add(**entry: Any) -> Tamper:
    return lambda _, entries: entries.append(entry)


TAMPERED: dict[str, tuple[Tamper, str]] = {
    "a lost request": (change("delete from requests where request_id = 'kept'"), "lost: kept was acknowledged"),
    "another document": (
        change("update request_traces set document = (select min(document) from request_traces)"),
        "wrong: edited is stored with another content",
    ),
    "a lost tag": (change("update requests set tags = '{}'"), "lost: edited: the last change of tags 'a'"),
    "a lost comment": (change("delete from discussions"), "lost: edited: a comment is stored 0 times"),
    "no receipt": (
        change("set session_replication_role = replica; delete from deletions"),
        "wrong: deleted was deleted, and has 0 receipts",
    ),
    "a revision too many": (change("update requests set revision = 9"), "wrong: kept has revision 9"),
    "a request from nowhere": (add(kind="wrong", sentence="x"), "wrong: x"),
    "a message sent twice": (
        add(kind="seen", stream="s", id="kept", text="kept 1"),
        "repeated: s sent kept 2 times; it was stored 1 times",
    ),
    "a message never sent": (
        lambda _, entries: entries.pop(next(n for n, one in enumerate(entries) if one["kind"] == "seen")),
        "lost: s did not send kept",
    ),
}


def record(client: Client, ledger: Ledger) -> None:
    """Store, edit and delete requests, and write the ledger that the clients of a run would write."""
    ledger.write("connect", stream="s", user=None)
    for request_id in ("kept", "edited", "deleted"):
        document = make_trace(request_id, 1, USERS[0], 2)
        answer = client.ingest(document)
        known = {"id": request_id, "version": 1, "user": USERS[0], "digest": digest(masked(document))}
        ledger.write("post", status=answer.status, **known)
        ledger.write("seen", stream="s", id=request_id, text=f"{request_id} 1")
    tagged = send(client, "POST", "/logs/edited/tags", ADMIN_KEY, tag="a")
    ledger.write("edit", id="edited", what="tags", status=tagged.status, method="POST", value="a")
    comment = send(client, "POST", "/logs/edited/discussions", ADMIN_KEY, username="ann", comment="c")
    ledger.write("edit", id="edited", what="discussions", status=comment.status, value="c")
    gone = send(client, "DELETE", "/logs/deleted", ADMIN_KEY)
    ledger.write("delete", id="deleted", status=gone.status, is_first=True)
    ledger.close()


@pytest.mark.parametrize("name", ["nothing", *TAMPERED])
def test_the_checker_finds_what_was_changed(client: Client, sql: psycopg.Connection, tmp_path: Path, name: str) -> None:
    path = tmp_path / "ledger.ndjson"
    record(client, Ledger(path))
    if name == "nothing":
        assert check_again(path, sql) == Verdict(operations=7, acknowledged=6)
        return
    tamper, sentence = TAMPERED[name]
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    tamper(sql, entries)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    assert any(problem.startswith(sentence) for problem in check_again(path, sql).problems)


def check_again(path: Path, sql: psycopg.Connection) -> Verdict:
    return check(path, sql.info.dsn)
