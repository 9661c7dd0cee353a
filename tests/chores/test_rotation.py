"""Rotation of THUNDER_SECRET: a user's data moves when the user's key is next used, and nothing is lost."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import urllib3

from core.access.hasher import Hasher
from core.access.secret import LEFT_OVER, SUPERSEDED_SECRET, UNFINISHED_ROTATION
from functions.jobs.chores import Description, describe_database
from tests.support.browsers import BrowserOf
from tests.support.client import Client, make_key, send
from tests.support.command import Command
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.posts import post, post_probs
from tests.support.receiver import receiving, wait_until
from tests.support.running import list_workers, running
from tests.support.servers import Serve
from tests.support.streams import open_socket, receive_ids

NEW = "the new secret, of at least 32 characters"
THIRD = "the third secret, of at least 32 characters"
OLD_HASHER, NEW_HASHER = Hasher(SECRET.encode()), Hasher(NEW.encode())
ANN, BOB, CARL = "the long key of ann", "bob", "the long key of carl"
ROTATING = {"THUNDER_SECRET": NEW, "THUNDER_SECRET_PREVIOUS": SECRET}
FINISHED = {"THUNDER_SECRET": NEW, "THUNDER_SECRET_PREVIOUS": ""}
FIND_OWNERS = "select distinct user_key_hmac from owners"
FIND_REMAINS = "select path from find_texts(%s, %s)"
INSERT_CALIBRATOR = """
insert into calibrators (
    user_key_hmac, user_key_label, for_users, model, k, version, is_active, score, method, slope, intercept, n, correct,
    labelled_from, labelled_to, quality
) values (%s, %s, false, 'm', 2, 1, true, 'sequence_confidence', 'platt', -1, 0, 9, 5, now(), now(), '{}')
"""

Start = Callable[..., Client]


@pytest.fixture
def start(serve: Serve, database_url: str) -> Start:
    """Start one more server on the database of the test, as another container."""

    def start(**environment: str) -> Client:
        settings = {"DATABASE_URL": database_url, "THUNDER_ADMIN_KEY": ADMIN_KEY, "INGEST_AUTH": "open"}
        return serve(**settings, PLAYGROUND_KEYLESS="true", WEBHOOK_ALLOW="127.0.0.0/8", **environment)

    return start


@pytest.fixture
def old(start: Start) -> Client:
    """A server with the old secret, and requests of ann (2), bob (1) and carl (1)."""
    client = start(THUNDER_SECRET=SECRET)
    post(client, "ann-1", "ann-2", user=ANN)
    post(client, "bob-1", user=BOB)
    post(client, "carl-1", user=CARL)
    return client


def list_ids(client: Client, key: str, query: str = "") -> list[str]:
    answer = client.request("GET", f"/logs{query}", x_api_key=key)
    assert answer.status == 200, answer.data
    return sorted(row["request_id"] for row in answer.json["data"])


def read_owner(sql: psycopg.Connection, request_id: str) -> tuple[Any, ...]:
    statement = "select user_key_hmac, user_key_label from requests where request_id = %s"
    (row,) = sql.execute(statement, [request_id]).fetchall()
    return row


def find_remains(sql: psycopg.Connection, user: str) -> set[str]:
    """Return the columns that still have the owner's hash or label under the old secret."""
    hmac, label = OLD_HASHER.identify(user)
    found = sql.execute(FIND_REMAINS, [label, [hmac]]).fetchall()
    return {path for (path,) in found} - {"former_owners.user_key_hmac", "former_owners.user_key_label"}


def read_status(manage: Command, url: str, **secrets: str) -> tuple[int, str]:
    done = manage("secret", "status", on=url, **secrets)
    return done.exit_code, done.stdout


def test_everything_that_a_user_owns_moves_when_the_key_is_used(
    old: Client, start: Start, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    issued = make_key(old, name="reader", allowed_api_key=ANN, scopes=["read", "curate", "ingest"])["api_key"]
    link = send(old, "POST", "/logs/ann-1/public", ANN).json["public_token"]
    assert send(old, "POST", "/logs/ann-1/favorite", ANN, name=ANN).status == 200
    assert send(old, "POST", "/logs/ann-1/tags", ANN, tag="mine").status == 200
    assert send(old, "POST", "/logs/ann-1/discussions", ANN, username=ANN, comment=f"I am {ANN}").status == 201
    assert send(old, "POST", "/logs/bob-1/discussions", ADMIN_KEY, username=ANN, comment="of an admin").status == 201
    assert send(old, "POST", "/logs/ann-1/outcome", ANN, correct=True, note=ANN).status == 200
    collection = send(old, "POST", "/collections", ANN, name="mine", created_by=ANN, description=ANN).json["collection"]
    assert send(old, "POST", f"/collections/{collection['id']}/requests", ANN, request_id="ann-2").status in {200, 201}
    shared = send(old, "POST", f"/collections/{collection['id']}/public", ANN).json["public_token"]
    hmac, label = OLD_HASHER.identify(ANN)
    sql.execute(INSERT_CALIBRATOR, [hmac, label])
    alert = {"name": "low", "kind": "threshold", "threshold": 0.5}
    assert find_remains(sql, ANN) > {"requests.user_key_hmac", "discussions.username", "collections.created_by"}

    with receiving() as receiver:
        secret = send(old, "POST", "/v1/alerts", ANN, url=receiver.url(), **alert).json["secret"]
        new = start(**ROTATING)
        assert [one for one in new.request("GET", "/healthz").json["warnings"] if "SECRET" in one] == []
        assert "state     new; the next server begins" in read_status(manage, database_url, **ROTATING)[1]
        # A bound key does not contain the user's key, so it works on the rows where they are.
        assert list_ids(new, issued) == ["ann-1", "ann-2"]
        code, shown = read_status(manage, database_url, **ROTATING)
        assert (code, "waiting   3 owners with 4 requests" in shown) == (0, True), shown
        assert find_remains(sql, ANN) >= {"requests.user_key_hmac", "api_keys.user_key_hmac"}
        feed = new.request("GET", "/logs", x_api_key=ANN)
        assert {row["user_api_key"] for row in feed.json["data"]} == {NEW_HASHER.label_user_key(ANN)}
        assert find_remains(sql, ANN) == set()
        assert list_ids(new, issued) == list_ids(new, ANN) == ["ann-1", "ann-2"]
        assert read_owner(sql, "bob-1") == OLD_HASHER.identify(BOB)

        log = new.request("GET", "/logs/ann-1", x_api_key=ANN).json
        assert (log["public_token"], log["favorited_by"]) == (link, [NEW_HASHER.label_user_key(ANN)])
        assert send(new, "POST", "/logs/ann-1/public", ANN).json["public_token"] == link
        assert new.request("GET", f"/share/request/{link}").status == 200
        (listed,) = new.request("GET", "/collections", x_api_key=ANN).json["collections"]
        assert (listed["public_token"], listed["request_count"]) == (shared, 1)
        assert new.request("GET", f"/share/{shared}").status == 200
        comments = new.request("GET", "/logs/ann-1/discussions", x_api_key=ANN).json["discussions"]
        assert [one["username"] for one in comments] == [NEW_HASHER.label_user_key(ANN)]
        posted = make_document("ann-3", request={"user_api_key": ANN, "model": "m"})
        assert new.ingest(posted, x_api_key=issued).status == 201
        post_probs(new, "unsure", [0.25], user_api_key=ANN)
        (received,) = receiver.wait()
        received.verify(secret)
    assert list_ids(new, ANN, f"?api_key={OLD_HASHER.label_user_key(ANN)}".replace("#", "%23")) == list_ids(new, ANN)


def test_a_post_moves_its_user_and_replaces_the_request(old: Client, start: Start, sql: psycopg.Connection) -> None:
    assert send(old, "POST", "/logs/bob-1/tags", BOB, tag="kept").status == 200
    new = start(**ROTATING)
    post(new, "bob-1", user=BOB)
    revision, tags = sql.execute("select revision, tags from requests where request_id = 'bob-1'").fetchall()[0]
    assert (revision, tags, read_owner(sql, "bob-1")) == (2, ["kept"], NEW_HASHER.identify(BOB))
    post(new, "new-user", user="dora")
    assert sql.execute("select count(*) from former_owners where present_hmac is not null").fetchone() == (1,)


def test_the_rotation_ends_when_no_owner_waits(
    old: Client, start: Start, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    link = send(old, "POST", "/logs/ann-1/public", ANN).json["public_token"]
    new = start(**ROTATING)
    for user in (ANN, BOB):
        assert list_ids(new, user)
    removed = start(**FINISHED)
    assert LEFT_OVER in removed.request("GET", "/healthz").json["warnings"]
    code, shown = read_status(manage, database_url, **FINISHED)
    assert (code, LEFT_OVER in shown, "waiting   1 owner with 1 request" in shown) == (1, True, True)
    assert LEFT_OVER in manage("doctor", on=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, **FINISHED).stdout
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"DATABASE_URL": database_url, **FINISHED}.items():
            patch.setenv(name, value)
        described = describe_database()
    assert isinstance(described, Description)
    assert (described.problem, f"warning   {LEFT_OVER}" in described.lines) == ("", True)

    assert list_ids(new, CARL) == ["carl-1"]
    code, shown = read_status(manage, database_url, **ROTATING)
    assert (code, "waiting   no owner; remove THUNDER_SECRET_PREVIOUS" in shown) == (0, True)
    last = start(**FINISHED)
    assert list_ids(last, CARL) == ["carl-1"]
    assert sql.execute("select count(*) from former_owners").fetchone() == (0,)
    assert sql.execute("select previous_fingerprint from environment").fetchone() == (None,)
    assert last.request("GET", "/logs/ann-1", x_api_key=ANN).json["public_token"] == link
    assert sql.execute("select details from audit_log where action = 'secret.rotate'").fetchall() == [({"owners": 3},)]


def test_owners_are_given_up_on_request(
    old: Client, start: Start, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    del old
    new = start(**ROTATING)
    assert list_ids(new, ANN)
    done = manage("secret", "accept", "--yes", on=database_url, **FINISHED)
    assert (done.exit_code, "2 owners of the previous secret" in done.stderr) == (0, True), done.output
    assert sql.execute("select count(*) from former_owners").fetchone() == (0,)
    orphaned = sql.execute("select details from audit_log where action = 'secret.accept'").fetchall()
    assert orphaned == [({"orphaned": {"waiting": 2, "waiting_requests": 2}},)]
    assert read_status(manage, database_url, **FINISHED)[0] == 0


def test_chores_find_a_user_before_and_during_the_rotation(
    old: Client, start: Start, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    del old
    on: dict[str, Any] = {"on": database_url, **ROTATING}
    assert manage("doctor", THUNDER_ADMIN_KEY=ADMIN_KEY, **on).exit_code == 0
    # No server has begun the rotation, so commands use the secret that the rows have.
    assert manage("export", "--user", ANN, **on).stdout.count("ann-") == 2
    assert manage("keys", "create", "k", "--user-key", BOB, "--yes", **on).exit_code == 0
    assert manage("delete", "--user-key", BOB, "--yes", **on).exit_code == 0
    Path("eve.json").write_text(json.dumps(make_document("eve-1", request={"user_api_key": "eve"})))
    assert manage("import", "eve.json", **on).exit_code == 0
    assert read_owner(sql, "eve-1") == OLD_HASHER.identify("eve")
    assert sql.execute("select count(*) from former_owners").fetchone() == (0,)

    start(**ROTATING).request("GET", "/logs", x_api_key=ANN)
    assert manage("export", "--user", CARL, **on).stdout.count("carl-") == 1
    assert read_owner(sql, "carl-1") == NEW_HASHER.identify(CARL)
    assert "skipped eve-1" in manage("import", "eve.json", **on).stdout
    assert read_owner(sql, "eve-1") == NEW_HASHER.identify("eve")
    assert manage("keys", "create", "k2", "--user-key", "eve", "--yes", **on).exit_code == 0
    assert manage("delete", "--user-key", CARL, "--yes", **on).exit_code == 0
    assert manage("verify-deletion", "carl-1", "--user-key", CARL, **on).exit_code == 0
    assert manage("delete", "--user-key", "nobody", "--yes", **on).exit_code == 3
    found = manage("verify-deletion", "carl-1", "--user-key", BOB, **on)
    assert (found.exit_code, "api_keys" in found.stdout) == (1, True), found.output


def test_an_export_of_a_rotation_keeps_its_owners(  # noqa: PLR0917 - fixtures
    old: Client, start: Start, database_url: str, second_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    new = start(**ROTATING)
    assert list_ids(new, ANN)
    assert manage("export", "--what", "traces", "--output", "all.jsonl", on=database_url, **ROTATING).exit_code == 0
    lines = [json.loads(line)["thunder_export"] for line in Path("all.jsonl").read_text().splitlines()]
    secrets = [one["secret"] for one in lines]
    assert secrets == [NEW_HASHER.fingerprint] * 2 + [OLD_HASHER.fingerprint] * 2
    # Into an empty database: the owners that had not moved wait there, too.
    done = manage("import", "all.jsonl", on=second_url, **ROTATING)
    assert (done.exit_code, done.stdout.count("ok")) == (0, 4), done.output
    code, shown = read_status(manage, second_url, **ROTATING)
    assert (code, "waiting   2 owners with 2 requests" in shown) == (0, True), shown
    assert manage("export", "--user", BOB, on=second_url, **ROTATING).stdout.count("bob-1") == 1
    # Into the same one, where bob has moved in the meantime.
    assert list_ids(new, BOB)
    again = manage("import", "all.jsonl", "--on-conflict", "replace", on=database_url, **ROTATING)
    assert (again.exit_code, again.stdout.count("skipped")) == (0, 4), again.output
    assert read_owner(sql, "bob-1") == NEW_HASHER.identify(BOB)
    del old


def test_a_container_with_the_old_secret_keeps_working(
    old: Client, start: Start, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    issued = make_key(old, name="engine", allowed_api_key=ANN, scopes=["read", "ingest"])["api_key"]
    assert send(old, "POST", "/logs/ann-1/tags", ANN, tag="kept").status == 200
    link = send(old, "POST", "/logs/ann-1/public", ANN).json["public_token"]
    new = start(**ROTATING)
    assert list_ids(new, ANN) == list_ids(old, ANN) == ["ann-1", "ann-2"]
    assert SUPERSEDED_SECRET in old.request("GET", "/healthz").json["warnings"]
    post(old, "ann-1", "ann-3", user=ANN)
    assert old.ingest(make_document("ann-4", request={"user_api_key": ANN}), x_api_key=issued).status == 201
    assert list_ids(new, ANN) == list_ids(old, ANN) == ["ann-1", "ann-2", "ann-3", "ann-4"]
    assert find_remains(sql, ANN) == set()
    log = new.request("GET", "/logs/ann-1", x_api_key=ANN).json
    assert (log["revision"], log["tags"], log["public_token"]) == (2, ["kept"], link)
    # It can't derive links or secrets under the present secret, so it refuses to create any.
    assert old.request("GET", "/logs/ann-1", x_api_key=ANN).json["public_token"] is None
    refused = send(old, "POST", "/logs/ann-1/public", ANN)
    assert (refused.status, "try again" in refused.json["error"]) == (503, True)
    # Nobody would count an owner of a key that it stored.
    unbound = make_key(old, name="unbound")
    assert send(old, "POST", "/auth/keys", ADMIN_KEY, name="k", allowed_api_key="eve").status == 503
    assert send(old, "PUT", "/auth/keys", ADMIN_KEY, id=unbound["id"], allowed_api_key="eve").status == 503
    assert send(old, "PUT", "/auth/keys", ADMIN_KEY, id=unbound["id"], name="renamed").status == 200
    assert old.request("POST", "/playground/api-key", b"{}").status == 503
    assert make_key(old, name="k", allowed_api_key=NEW_HASHER.label_user_key(ANN))["id"]
    assert find_remains(sql, "eve") == set()
    post(old, "dora-1", user="dora")
    assert "waiting   3 owners" in read_status(manage, database_url, **ROTATING)[1]
    assert list_ids(new, "dora") == ["dora-1"]
    assert old.request("GET", "/logs/ann-2", x_api_key=CARL).status == 404


def test_a_container_with_the_old_secret_stores_no_key_of_a_user_that_moved(
    old: Client, start: Start, sql: psycopg.Connection
) -> None:
    bound = make_key(old, name="reader", allowed_api_key=BOB, scopes=["read", "curate"])["api_key"]
    new = start(**ROTATING)
    assert list_ids(new, ANN)
    assert list_ids(new, BOB)
    comment = {"username": ANN, "comment": ANN}
    assert send(old, "POST", "/logs/ann-1/discussions", ADMIN_KEY, **comment).status == 201
    assert send(old, "POST", "/logs/bob-1/favorite", ADMIN_KEY, name=BOB).status == 200
    assert send(old, "POST", "/logs/bob-1/tags", bound, tag=BOB).status == 200
    ann, bob = (NEW_HASHER.label_user_key(user) for user in (ANN, BOB))
    assert sql.execute("select username, comment from discussions").fetchall() == [(ann, ann)]
    stored = sql.execute("select favorited_by, tags from requests where request_id = 'bob-1'").fetchall()
    assert stored == [([bob], [bob])]


def test_an_owner_of_nothing_but_dead_keys_does_not_wait(
    old: Client, start: Start, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    made = make_key(old, name="reader", allowed_api_key="eve")
    new = start(**ROTATING)
    assert [list_ids(new, user) != [] for user in (ANN, BOB, CARL)] == [True] * 3
    assert "waiting   1 owner with 0 requests" in read_status(manage, database_url, **ROTATING)[1]
    assert send(new, "DELETE", "/auth/keys", ADMIN_KEY, id=made["id"]).status == 200
    assert "waiting   no owner" in read_status(manage, database_url, **ROTATING)[1]
    finished = start(**FINISHED)
    assert list_ids(finished, ANN) == ["ann-1", "ann-2"]
    assert sql.execute("select count(*) from former_owners").fetchone() == (0,)
    assert find_remains(sql, "eve") == {"api_keys.user_key_label"}, "the list of keys shows whose key it was"
    (listed,) = [one for one in send(finished, "GET", "/auth/keys", ADMIN_KEY).json["keys"] if one["id"] == made["id"]]
    assert (listed["allowed_api_key"], listed["is_active"]) == (OLD_HASHER.label_user_key("eve"), False)
    # A container from before the rotation binds no key to a hash that the present secret never matches.
    assert send(old, "POST", "/auth/keys", ADMIN_KEY, name="k", allowed_api_key="eve").status == 503


def test_a_rotation_waits_for_keys_that_are_being_stored(
    old: Client, database_url: str, sql: psycopg.Connection
) -> None:
    """Between the check of the secret and the commit of a key, no rotation can begin that would not see its owner."""
    del old
    hmac, label = OLD_HASHER.identify("eve")
    begin = "select begin_rotation(%s, %s)", (OLD_HASHER.fingerprint, NEW_HASHER.fingerprint)
    is_waiting = "select count(*) from pg_locks where not granted and relation = 'environment'::regclass"
    with psycopg.connect(database_url) as storing, ThreadPoolExecutor(1) as pool:
        storing.execute("select hold_owner('thunder-backend')")
        storing.execute("select require_present_secret(%s)", [OLD_HASHER.fingerprint])
        begun = pool.submit(lambda: sql.execute(*begin).fetchone())
        with psycopg.connect(database_url, autocommit=True) as watching:
            wait_until(lambda: watching.execute(is_waiting).fetchone() == (1,))
        storing.execute(
            "insert into api_keys (key_hash, key_prefix, name, is_admin, scopes, user_key_hmac, user_key_label)"
            " values ('x', 'ck_x', 'k', false, '{read}', %s, %s)",
            [hmac, label],
        )
        storing.commit()
        assert begun.result(timeout=60) == (4,)
    assert sql.execute("select user_key_label from former_owners where user_key_hmac = %s", [hmac]).fetchone() == (
        label,
    )


def test_a_second_rotation_needs_the_first_to_be_finished(
    old: Client, start: Start, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    link = send(old, "POST", "/logs/ann-1/public", ANN).json["public_token"]
    new = start(**ROTATING)
    for user in (ANN, BOB):
        assert list_ids(new, user)
    early = {"THUNDER_SECRET": THIRD, "THUNDER_SECRET_PREVIOUS": NEW}
    assert read_status(manage, database_url, **early)[0] == 1
    assert UNFINISHED_ROTATION in start(**early).request("GET", "/healthz").json["warnings"]
    # Reversed: carl's rows already have the secret that is present again.
    back = start(THUNDER_SECRET=SECRET, THUNDER_SECRET_PREVIOUS=NEW)
    assert list_ids(back, CARL) == ["carl-1"]
    assert sql.execute("select count(*) from former_owners").fetchone() == (2,)
    assert list_ids(back, ANN) == ["ann-1", "ann-2"]
    assert read_owner(sql, "ann-1") == OLD_HASHER.identify(ANN)
    assert list_ids(back, BOB) == ["bob-1"]
    third = start(THUNDER_SECRET=THIRD, THUNDER_SECRET_PREVIOUS=SECRET)
    assert third.request("GET", "/logs/ann-1", x_api_key=ANN).json["public_token"] == link
    assert third.request("GET", f"/share/request/{link}").status == 200


def test_rows_that_meet_others_of_the_same_name_are_kept(old: Client, start: Start, sql: psycopg.Connection) -> None:
    former, present = OLD_HASHER.identify(ANN), NEW_HASHER.identify(ANN)
    for client in (old, start(**ROTATING)):
        assert send(client, "POST", "/collections", ANN, name="mine").status in {200, 201}
    # As a container with the old secret stores them that read the user's key just before the rows moved.
    sql.execute("insert into collections (name, user_key_hmac) values ('mine', %s)", [former.hmac])
    for owner in (former, present):
        sql.execute(INSERT_CALIBRATOR, [*owner])
    used = "update requests set calibrator_id = 1, calibrator_version = 1 where request_id = 'ann-1'"
    sql.execute(used)
    another = start(**ROTATING)
    listed = another.request("GET", "/collections", x_api_key=ANN).json["collections"]
    assert sorted(one["name"] for one in listed) == ["mine", "mine (3)"]
    calibrators = sql.execute("select version, is_active, user_key_hmac from calibrators order by id").fetchall()
    assert calibrators == [(2, False, present.hmac), (1, True, present.hmac)]
    assert sql.execute("select calibrator_version from requests where request_id = 'ann-1'").fetchone() == (2,)
    assert find_remains(sql, ANN) == set()


def test_the_secret_as_its_own_previous_one_changes_nothing(
    old: Client, start: Start, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    assert send(old, "POST", "/collections", ANN, name="mine").status in {200, 201}
    sql.execute(INSERT_CALIBRATOR, [*OLD_HASHER.identify(ANN)])
    same = {"THUNDER_SECRET": SECRET, "THUNDER_SECRET_PREVIOUS": SECRET}
    for client in (start(**same), start(**same)):
        assert list_ids(client, ANN) == ["ann-1", "ann-2"]
    assert sql.execute("select name from collections").fetchall() == [("mine",)]
    assert sql.execute("select version, is_active from calibrators").fetchall() == [(1, True)]
    assert sql.execute("select count(*) from former_owners").fetchone() == (0,)
    code, shown = read_status(manage, database_url, **same)
    assert (code, "waiting" in shown) == (0, False), shown


def test_streams_follow_their_user(old: Client, start: Start) -> None:
    issued = make_key(old, name="reader", allowed_api_key=ANN)["api_key"]
    new = start(**ROTATING)
    with (
        open_socket(new, query={"api_key": issued}) as of_issued_key,
        open_socket(new, query={"api_key": ANN}) as of_user_key,
    ):
        post(new, "streamed", user=ANN)
        assert receive_ids(of_issued_key) == receive_ids(of_user_key) == ["streamed"]


def test_concurrent_containers_move_an_owner_once(old: Client, start: Start, sql: psycopg.Connection) -> None:
    post(old, *(f"many-{index}" for index in range(40)), user=ANN)
    clients = [start(**ROTATING), start(**ROTATING)]

    def use(index: int) -> int:
        client = clients[index % 2]
        if index % 3 == 0:
            return client.request("GET", "/logs", x_api_key=ANN).status
        document = make_document(f"posted-{index}", number(one_token()), request={"user_api_key": ANN})
        return client.ingest(document, x_api_key=ADMIN_KEY).status

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(use, range(24)))
    assert sorted(set(statuses)) == [200, 201]
    assert find_remains(sql, ANN) == set()
    present = NEW_HASHER.identify(ANN).hmac
    assert sql.execute("select count(*) from requests where user_key_hmac = %s", [present]).fetchone() == (58,)
    assert sql.execute("select present_hmac from former_owners where present_hmac is not null").fetchall() == [
        (present,)
    ]


def test_processes_rotate_the_secret(old: Client, database_url: str, tmp_path: Path) -> None:
    """`make run` with two workers, on the database of a server with the old secret."""
    del old
    environment = {"DATABASE_URL": database_url, "THUNDER_ADMIN_KEY": ADMIN_KEY, "APP_WORKERS": "2", **ROTATING}
    with running(tmp_path, **environment) as run:
        client = Client(urllib3.PoolManager(maxsize=8), run.url, ADMIN_KEY)
        assert len(list_workers(run.process.pid)) == 2
        with ThreadPoolExecutor(8) as pool:
            listed = list(pool.map(partial(list_ids, client), [ANN, BOB, CARL] * 4))
    assert listed == [["ann-1", "ann-2"], ["bob-1"], ["carl-1"]] * 4


def test_signed_in_browsers_stay_signed_in(old: Client, start: Start) -> None:
    browser = BrowserOf()
    assert browser.sign_in(old, ANN).status == 200
    new = start(**ROTATING)
    assert browser.who(new) == OLD_HASHER.label_user_key(ANN)
    assert list_ids(new, ANN) == ["ann-1", "ann-2"]
    assert browser.who(new) == NEW_HASHER.label_user_key(ANN)
    assert browser.send(new, "POST", "/auth/sign-out", {}).status == 200
    assert browser.who(new) == 401


def test_no_cookie_from_before_a_rotation_stays(old: Client, start: Start) -> None:
    before = BrowserOf()
    assert before.sign_in(old, ANN).status == 200
    both, renewed = BrowserOf(dict(before.cookies)), BrowserOf()
    new = start(**ROTATING)
    assert renewed.sign_in(new, ANN).status == 200
    both.cookies.update(renewed.cookies)
    assert len(both.cookies) == 2
    assert both.send(new, "POST", "/auth/sign-out", {}).status == 200
    assert both.cookies == {}
    assert [before.who(old), before.who(new), renewed.who(new)] == [401, 401, 401]


def test_signing_in_replaces_the_cookie_from_before_a_rotation(old: Client, start: Start) -> None:
    browser = BrowserOf()
    assert browser.sign_in(old, ANN).status == 200
    copy = BrowserOf(dict(browser.cookies))
    new = start(**ROTATING)
    assert browser.sign_in(new, BOB).status == 200
    assert len(browser.cookies) == 1
    assert (browser.who(new), copy.who(new)) == (NEW_HASHER.label_user_key(BOB), 401)


def test_a_sign_in_link_from_before_a_rotation_works(
    old: Client, start: Start, manage: Command, database_url: str
) -> None:
    del old
    made = manage("sign-in", on=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET)
    browser, new = BrowserOf(), start(**ROTATING)
    link = {"link": made.stdout.strip().partition("#")[2]}
    assert browser.send(new, "POST", "/auth/sign-in", link).status == 200
    assert browser.who(new) == "admin"
