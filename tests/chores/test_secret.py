"""The secret of a database: a wrong one is noticed everywhere, and changes nothing."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
import urllib3

from core.access.hasher import Hasher
from core.access.secret import NOT_USED_YET, UNSET_SECRET, WRONG_SECRET
from core.access.session import ISSUED_KEY
from core.deploy.smoke import SmokeError, smoke
from manage import cli
from tests.support.client import Client, make_key, send
from tests.support.command import Command
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.posts import post
from tests.support.running import running
from tests.support.servers import Serve

USER = "the key of ann"
OTHER = "another secret of at least 32 characters"
STATE = """
select
    (select jsonb_agg(requests order by id) from requests), (select jsonb_agg(api_keys) from api_keys),
    (select jsonb_agg(environment) from environment), (select jsonb_agg(generated_secret) from generated_secret),
    (select count(*) from audit_log), (select count(*) from deletions)
"""
KEY_ID = "the id of a key"
NEW_KEY = ["keys", "create", "a name as long as a key", "--yes"]
REFUSED = {
    "delete": ["delete", "--user-key", USER, "--yes"],
    "export": ["export", "--user", USER, "--output", "out.jsonl"],
    "keys create": [*NEW_KEY, "--user-key", USER],
    "import": ["import", "trace.json"],
    "verify-deletion": ["verify-deletion", "r", "--user-key", USER],
    "sign-in": ["sign-in"],
}
"""Commands that need the secret of the database: they hash a user key or the token of a sign-in."""
REPORTED = {"doctor": ["doctor"], "secret status": ["secret", "status"]}
"""Commands that show the difference."""
WORKING = {
    "adopt": ["adopt", "--app-name", "another-app", "--yes"],
    "clear": ["clear", "--yes", "--yes-production"],
    "delete": ["delete", "--older-than", "1d", "--yes"],
    "export": ["export"],
    "keys create": NEW_KEY,
    "keys list": ["keys", "list"],
    "keys revoke": ["keys", "revoke", KEY_ID, "--yes"],
    "keys rotate": ["keys", "rotate", KEY_ID, "--yes"],
    "migrate": ["migrate"],
    "rescore": ["rescore"],
    "schema": ["schema", "--output", "out.jsonl"],
    "secret": ["secret"],
    "status": ["status"],
}
"""Commands that don't need the secret."""
OTHERS = {
    "demo": "posts to a server",
    "deploy": "tests/deploy/test_chore_failures.py",
    "run": "test_make_run_warns_of_another_secret",
    "secret accept": "test_the_secret_is_accepted_and_the_loss_is_named",
}


def list_commands(group: click.Group, *names: str) -> Iterator[str]:
    """Yield the name of each command, and of each group that is a command itself."""
    if names and group.invoke_without_command:
        yield " ".join(names)
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from list_commands(command, *names, name)
        else:
            yield " ".join((*names, name))


def read_fingerprint(sql: psycopg.Connection) -> str | None:
    ((fingerprint,),) = sql.execute("select secret_fingerprint from environment").fetchall()
    return fingerprint


def read_state(sql: psycopg.Connection) -> list[tuple[Any, ...]]:
    return sql.execute(STATE).fetchall()


@pytest.fixture
def used(new_client: Client, sql: psycopg.Connection) -> Client:
    """A server whose database has a request of a user."""
    post(new_client, "of-ann", user=USER)
    assert read_fingerprint(sql) == Hasher(SECRET.encode()).fingerprint
    return new_client


def test_each_command_is_tested_with_another_secret() -> None:
    assert set(list_commands(cli)) == REFUSED.keys() | REPORTED.keys() | WORKING.keys() | OTHERS.keys()


def test_a_command_that_needs_the_secret_fails_with_another_one_and_changes_nothing(
    used: Client, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    del used
    Path("trace.json").write_text(json.dumps(make_document("new", user_api_key=USER)))
    before = read_state(sql)
    for secret, problem in ((OTHER, WRONG_SECRET), ("", UNSET_SECRET)):
        settings = {"on": database_url, "THUNDER_SECRET": secret, "THUNDER_ADMIN_KEY": ADMIN_KEY}
        for arguments in REFUSED.values():
            done = manage(*arguments, **settings)
            assert (done.exit_code, done.stderr.splitlines()[-1]) == (1, f"Error: {problem}"), done.output
        for arguments in REPORTED.values():
            done = manage(*arguments, **settings)
            assert (done.exit_code, problem in done.stdout) == (1, True), done.output
        assert read_state(sql) == before
    assert [path.name for path in Path().iterdir()] == ["trace.json"]


@pytest.mark.parametrize("name", WORKING)
def test_a_command_that_does_not_need_the_secret_works_with_another_one(
    used: Client, database_url: str, manage: Command, sql: psycopg.Connection, name: str
) -> None:
    for secret, key in [(one, make_key(used, name="k")["id"]) for one in (OTHER, "")]:
        arguments = [str(key) if one == KEY_ID else one for one in WORKING[name]]
        done = manage(*arguments, on=database_url, THUNDER_SECRET=secret)
        assert done.exit_code == 0, done.output
    assert sql.execute("select count(*) from generated_secret").fetchone() == (0,)
    assert read_fingerprint(sql) == Hasher(SECRET.encode()).fingerprint
    assert not Path(".thunder").exists()


def test_a_command_does_not_make_the_first_secret(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    Path("trace.json").write_text(json.dumps(make_document("new")))
    before = read_state(sql)
    for arguments in REFUSED.values():
        done = manage(*arguments, on=database_url, THUNDER_SECRET="", THUNDER_ADMIN_KEY=ADMIN_KEY)
        assert (done.exit_code, done.stderr.splitlines()[-1]) == (1, f"Error: {NOT_USED_YET}"), done.output
    assert read_state(sql) == before
    create = ("keys", "create", "--admin", "--yes")
    name = output = ""
    for name in ("k", "a name as long as a key"):
        done = manage(*create, name, on=database_url, THUNDER_SECRET="")
        assert done.exit_code == 0, done.output
        output = done.output
    (key,) = set(ISSUED_KEY.findall(output))
    assert manage(*create, key, "--description", key, on=database_url, THUNDER_SECRET="").exit_code == 0
    stored = sql.execute("select name, description from api_keys order by id desc limit 1").fetchone()
    assert stored == (name, name)
    assert read_fingerprint(sql) is None
    assert not Path(".thunder").exists()


def test_make_run_warns_of_another_secret(used: Client, database_url: str, tmp_path: Path) -> None:
    del used
    with running(tmp_path, DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=OTHER) as run:
        assert run.url
        assert f"warning: {WRONG_SECRET}\n" in run.end()


def test_chores_use_the_secret_that_a_server_generated(
    serve: Serve, database_url: str, manage: Command, sql: psycopg.Connection, tmp_path: Path
) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET="")
    post(client, "of-ann", user=USER)
    (tmp_path / ".thunder").mkdir()
    (tmp_path / ".thunder" / "secret").write_text(OTHER)  # of an embedded database, so not this one's
    done = manage("export", "--user", USER, on=database_url, THUNDER_SECRET="")
    assert (done.exit_code, done.stdout.count("of-ann")) == (0, 1)
    made = manage("keys", "create", "k", "--user-key", USER, "--yes", on=database_url, THUNDER_SECRET="")
    assert made.exit_code == 0
    joined = sql.execute("select request_id from requests inner join api_keys using (user_key_hmac)")
    assert joined.fetchall() == [("of-ann",)]
    found = manage("secret", "status", on=database_url, THUNDER_SECRET="")
    assert (found.exit_code, "generated, in the database" in found.stdout) == (0, True)


def test_the_secret_in_the_file_is_used_if_it_is_the_one_of_the_database(
    used: Client, database_url: str, manage: Command, tmp_path: Path
) -> None:
    del used
    (tmp_path / ".thunder").mkdir()
    (tmp_path / ".thunder" / "secret").write_text(SECRET)
    done = manage("export", "--user", USER, on=database_url, THUNDER_SECRET="")
    assert (done.exit_code, done.stdout.count("of-ann")) == (0, 1)


def test_make_run_generates_no_secret_for_a_database_that_keeps_one(
    serve: Serve, database_url: str, sql: psycopg.Connection, tmp_path: Path
) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET="")
    post(client, "of-ann", user=USER)
    (tmp_path / ".thunder").mkdir()
    with running(tmp_path, DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY) as run:
        listed = urllib3.request("GET", f"{run.url}/logs", headers={"X-API-Key": USER}).json()
    assert [row["request_id"] for row in listed["data"]] == ["of-ann"]
    assert not (tmp_path / ".thunder" / "secret").exists()
    sql.execute("delete from generated_secret")
    sql.execute("update environment set secret_fingerprint = null")
    with running(tmp_path, DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY) as run:
        assert run.url
    assert len((tmp_path / ".thunder" / "secret").read_text().strip()) == 64


@pytest.mark.parametrize("secret", ["", OTHER])
def test_a_server_with_another_secret_answers_and_warns(  # noqa: PLR0917 - fixtures and parameters
    used: Client,
    serve: Serve,
    database_url: str,
    sql: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
    secret: str,
) -> None:
    problem = WRONG_SECRET if secret else UNSET_SECRET
    other = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=secret)
    for _ in range(2):
        answer = other.request("GET", "/healthz")
        assert (answer.status, problem in answer.json["warnings"]) == (200, True)
        post(other, "of-bob", user="the key of bob")
    assert problem not in used.request("GET", "/healthz").json["warnings"]
    assert read_fingerprint(sql) == Hasher(SECRET.encode()).fingerprint
    # The right secret would match none of these.
    alert = {"name": "low", "kind": "threshold", "threshold": 0.5, "url": "https://example.com/"}
    bound = send(other, "POST", "/auth/keys", ADMIN_KEY, name="k", allowed_api_key="the key of bob")
    for refused in (
        bound,
        send(other, "POST", "/logs/of-bob/public", ADMIN_KEY),
        send(other, "POST", "/v1/alerts", ADMIN_KEY, **alert),
    ):
        assert (refused.status, "does not have the secret of the database" in refused.json["error"]) == (503, True)
    assert send(other, "POST", "/auth/keys", ADMIN_KEY, name="k").status == 200
    said = [one for one in caplog.records if "does not have the secret of the database" in one.getMessage()]
    assert [(one.levelname, one.exc_info) for one in said] == [("WARNING", None)], "one line for three answers"
    with pytest.raises(SmokeError, match="deployed, but with a warning; THUNDER_SECRET: not"):
        smoke({"api": other.url}, app_name="thunder-backend", deployment_id=None, say=print)


def test_health_follows_the_database_in_a_running_server(used: Client, database_url: str, manage: Command) -> None:
    assert WRONG_SECRET not in used.request("GET", "/healthz").json["warnings"]
    accepted = manage("secret", "accept", "--yes", on=database_url, THUNDER_SECRET=OTHER)
    assert accepted.exit_code == 0, accepted.output
    assert WRONG_SECRET in used.request("GET", "/healthz").json["warnings"]


def test_health_says_that_no_admin_key_exists(serve: Serve, database_url: str, manage: Command) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_SECRET=SECRET, THUNDER_ADMIN_KEY="")
    (warning,) = client.request("GET", "/healthz").json["warnings"]
    assert "manage.py keys create NAME --admin" in warning
    assert manage("keys", "create", "first", "--admin", "--yes", on=database_url).exit_code == 0
    assert client.request("GET", "/healthz").json["warnings"] == []


def test_the_secret_is_accepted_and_the_loss_is_named(
    used: Client, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    assert send(used, "POST", "/logs/of-ann/public", USER).status == 200
    refused = manage("secret", "accept", on=database_url, THUNDER_SECRET=OTHER)
    assert (refused.exit_code, "add --yes" in refused.stderr) == (1, True)
    for line in ("1 owner: their keys no longer open 1 request", "0 keys", "1 share link", "0 alerts"):
        assert line in refused.stderr
    before = manage("secret", "status", on=database_url, THUNDER_SECRET=OTHER)
    assert (before.exit_code, WRONG_SECRET in before.stdout) == (1, True)
    assert manage("secret", "accept", "--yes", on=database_url, THUNDER_SECRET=OTHER).exit_code == 0
    after = manage("secret", "status", on=database_url, THUNDER_SECRET=OTHER)
    assert (after.exit_code, "matches the database" in after.stdout) == (0, True)
    assert "nothing to do" in manage("secret", "accept", on=database_url, THUNDER_SECRET=OTHER).stdout
    entry = sql.execute("select actor, details from audit_log where action = 'secret.accept'").fetchall()
    orphaned = {"owners": 1, "requests": 1, "keys": 0, "links": 1, "alerts": 0}
    assert entry == [("command", {"orphaned": orphaned})]
    none = manage("secret", "accept", "--yes", on=database_url, THUNDER_SECRET="")
    assert (none.exit_code, UNSET_SECRET in none.stderr) == (1, True)


def test_a_new_secret_is_printed_or_written(manage: Command) -> None:
    printed = [manage("secret").stdout for _ in range(2)]
    assert len(set(printed)) == 2
    assert all(len(bytes.fromhex(text)) == 32 for text in printed)
    written = manage("secret", "--to", "a-secret")
    assert (written.exit_code, written.stdout) == (0, "")
    file = Path("a-secret")
    assert (stat.S_IMODE(file.stat().st_mode), len(bytes.fromhex(file.read_text()))) == (0o600, 32)
    kept = file.read_text()
    again = manage("secret", "--to", "a-secret")
    assert (again.exit_code, file.read_text()) == (1, kept)


@pytest.mark.parametrize(
    "arguments",
    [
        ["delete", "--user-key", "nobody", "--yes"],
        ["delete", "--user-key", "no…#0123456789ab", "--yes"],
        ["delete", "--user-key", USER, "--older-than", "1d", "--yes"],
        ["export", "--user", "nobody", "--output", "out.jsonl"],
        ["export", "--user", "no…#0123456789ab", "--output", "out.jsonl"],
        ["export", "--user", USER, "--model", "none", "--output", "out.jsonl", "--what", "traces"],
    ],
)
def test_a_user_for_whom_nothing_matches_is_code_3(
    used: Client, database_url: str, manage: Command, arguments: list[str]
) -> None:
    del used
    done = manage(*arguments, on=database_url)
    assert (done.exit_code, done.stdout, "Error: " in done.stderr) == (3, "", True), done.output
    assert not Path("out.jsonl").exists()


def test_a_user_with_collections_only_is_deleted(
    used: Client, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    del used
    hashed = Hasher(SECRET.encode()).hash_user_key("collector")
    sql.execute("insert into collections (name, user_key_hmac) values ('c', %s)", [hashed])
    assert manage("delete", "--user-key", "collector", "--yes", on=database_url).exit_code == 0
    assert manage("delete", "--user-key", "collector", "--yes", on=database_url).exit_code == 3
