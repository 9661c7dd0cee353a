"""The audit log: which actions it records, with which actor, and that entries cannot change."""

import json
import re
from functools import partial
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from core.audit.store import Action
from core.database.migrations import adopt
from tests.support import posts
from tests.support.client import Client, make_key, send
from tests.support.command import Command
from tests.support.databases import Databases
from tests.support.environment import ROOT
from tests.support.keys import ADMIN_KEY, SECRET, label
from tests.support.servers import Serve

USER = "key-of-a-user-who-is-noted"
post = partial(posts.post, user=USER)


def read(client: Client, **query: object) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/audit?{urlencode(query)}")
    assert answer.status == 200, answer.data
    return answer.json["entries"]


def tell(client: Client, **query: object) -> list[tuple[str, str]]:
    return [(entry["actor"], entry["action"]) for entry in reversed(read(client, **query))]


def test_changes_of_keys_are_recorded(client: Client) -> None:
    boss = make_key(client, name="boss", is_admin=True)
    made = send(client, "POST", "/auth/keys", boss["api_key"], name="n", allowed_api_key=USER).json
    assert send(client, "PUT", "/auth/keys", ADMIN_KEY, id=made["id"], name="m", scopes=["read"]).status == 200
    successor = send(client, "POST", f"/auth/keys/{made['id']}/rotate", ADMIN_KEY).json
    assert send(client, "DELETE", "/auth/keys", ADMIN_KEY, id=made["id"]).status == 200
    entries = read(client)[::-1][1:]
    assert [(one["actor"], one["action"], one["subject"]) for one in entries] == [
        (f"key:{boss['id']}", "key.create", f"key:{made['id']}"),
        ("admin", "key.change", f"key:{made['id']}"),
        ("admin", "key.rotate", f"key:{made['id']}"),
        ("admin", "key.revoke", f"key:{made['id']}"),
    ]
    assert entries[1]["details"] == {"changed": ["name", "scopes"], "scopes": ["read"], "is_admin": False}
    assert entries[2]["details"]["successor"] == successor["id"]


def test_failed_actions_are_not_recorded(client: Client) -> None:
    assert send(client, "PUT", "/auth/keys", ADMIN_KEY, id=99, name="m").status == 404
    assert send(client, "DELETE", "/auth/keys", ADMIN_KEY, id=99).status == 404
    assert send(client, "POST", "/auth/keys/99/rotate", ADMIN_KEY).status == 404
    assert send(client, "DELETE", "/logs/none", ADMIN_KEY).status == 404
    assert read(client) == []


def test_publishing_and_deleting_are_recorded_once(client: Client) -> None:
    post(client, "r")
    for _ in range(2):
        send(client, "POST", "/logs/r/public", USER)
    for _ in range(2):
        send(client, "DELETE", "/logs/r/public", USER)
    number = send(client, "POST", "/collections", USER, name="shelf").json["collection"]["id"]
    for method in ("POST", "POST", "DELETE", "DELETE"):
        send(client, method, f"/collections/{number}/public", USER)
    comment = send(client, "POST", "/logs/r/discussions", USER, username="u", comment="c").json["discussion"]["id"]
    for path, own in [("collections", number), ("logs/r/discussions", comment)]:
        assert send(client, "DELETE", f"/{path}/{own}", USER).status == 200
        assert send(client, "DELETE", f"/{path}/{own}", USER).status == 404
    send(client, "DELETE", "/logs/r", USER)
    actor = f"user:{label(USER)[-12:]}"
    actions = ["request.publish", "request.unpublish", "collection.publish", "collection.unpublish"]
    actions += ["collection.delete", "comment.delete", "request.delete"]
    assert tell(client) == [(actor, action) for action in actions]


def test_the_documentation_lists_every_action() -> None:
    row = re.search(
        r"^\| `action` \| text \|(.*)$", (ROOT / "docs" / "API.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert row
    listed, noun = set[str](), ""
    for name in re.findall(r"`([a-z]*\.[a-z_]+)`", row[1]):
        noun = name.partition(".")[0] or noun
        listed.add(f"{noun}.{name.partition('.')[2]}")
    assert listed == set(Action)


def test_entries_contain_no_secrets_or_texts(client: Client, sql: psycopg.Connection) -> None:
    key = make_key(client, name="a telling name", description="a description", allowed_api_key=USER)
    post(client, "the-request-s-id")
    token = send(client, "POST", "/logs/the-request-s-id/public", USER).json["public_token"]
    send(client, "DELETE", "/logs/the-request-s-id", USER)
    kept = str(sql.execute("select * from audit_log").fetchall())
    texts = (key["api_key"], key["key_prefix"], "telling", "description", "request-s-id", token, USER, USER[:6])
    assert [text for text in texts if text in kept] == []


@pytest.mark.parametrize(
    "statement", ["update audit_log set actor = 'x'", "delete from audit_log", "truncate audit_log"]
)
def test_entries_cannot_be_changed_or_deleted(client: Client, sql: psycopg.Connection, statement: str) -> None:
    make_key(client, name="k")
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        sql.execute(statement.encode())
    assert len(read(client)) == 1


def test_pages_and_filters_narrow_the_list(client: Client, sql: psycopg.Connection) -> None:
    for number in range(3):
        make_key(client, name=str(number))
        send(client, "DELETE", "/auth/keys", ADMIN_KEY, id=number + 1)
    page = client.get("/v1/audit?limit=4").json
    rest = client.get(f"/v1/audit?limit=4&cursor={page['next_cursor']}").json
    ids = [entry["id"] for entry in page["entries"] + rest["entries"]]
    assert (ids, rest["next_cursor"]) == (sorted(ids, reverse=True), None)
    assert len(ids) == 6
    assert tell(client, action="key.revoke") == [("admin", "key.revoke")] * 3
    assert tell(client, actor="key:1") == []
    found = sql.execute("select happened_at::text from audit_log order by id offset 3 limit 1").fetchall()
    moment = f"{found[0][0]}:00".replace(" ", "T")
    assert len(read(client, **{"from": moment})) == len(read(client, to=moment)) == 3


@pytest.mark.parametrize("query", ["action=key.steal", "cursor=x", "cursor=-1", "cursor=99999999999999999999", "by=x"])
def test_unknown_parameters_are_rejected(client: Client, query: str) -> None:
    assert client.get(f"/v1/audit?{query}").status == 400


def test_commands_are_recorded(client: Client, databases: Databases, database_url: str, manage: Command) -> None:
    post(client, "r1")
    post(client, "r2", user="somebody-else-s-key")
    for arguments in (
        ("keys", "create", "k", "--yes"),
        ("delete", "--user-key", USER, "--yes"),
        ("clear", "--yes", "--yes-production"),
    ):
        done = manage(*arguments, on=database_url)
        assert done.exit_code == 0, done.output
    assert adopt(databases.reach(database_url), app_name="another") is not None
    done = manage("export", "--what", "audit", on=database_url, THUNDER_APP_NAME="another")
    assert done.exit_code == 0, done.output
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["actor"], one["action"]) for one in entries] == [
        ("command", "key.create"),
        ("command", "requests.delete"),
        ("command", "database.clear"),
        ("command", "database.adopt"),
    ]
    assert entries[1]["details"] == {"count": 1, "reason": "user", "deleted_by": "command"}
    assert entries[3]["details"] == {"former_owner": "thunder-backend", "owner": "another"}


@pytest.mark.parametrize("option", [("--format", "parquet"), ("--model", "m"), ("--user", "u")])
def test_an_export_of_the_log_rejects_options_that_it_does_not_support(
    database_url: str, manage: Command, option: tuple[str, str]
) -> None:
    done = manage("export", "--what", "audit", *option, on=database_url)
    assert (done.exit_code, "audit" in done.output) == (1, True)


def test_the_first_key_is_recorded(serve: Serve, database_url: str) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_SECRET=SECRET, BOOTSTRAP_SECRET="first")
    key = send(client, "POST", "/auth/bootstrap", None, name="me", secret="first").json["api_key"]
    entries = send(client, "GET", "/v1/audit", key).json["entries"]
    assert [(one["actor"], one["action"]) for one in entries] == [("bootstrap", "key.create")]
