"""Rotation of THUNDER_SECRET: containers with the old and the new secret work at the same time."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg
import urllib3

from core.access.secret import SUPERSEDED_SECRET
from tests.support.client import Client, make_key, send
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post
from tests.support.receiver import wait_until
from tests.support.rotation import (
    ANN,
    BOB,
    CARL,
    IDS,
    NEW_HASHER,
    OLD_HASHER,
    ROTATING,
    Rotation,
    list_ids,
)
from tests.support.running import list_workers, running
from tests.support.streams import open_socket, receive_ids


def test_a_container_with_the_old_secret_keeps_working(place: Rotation) -> None:
    old = place.old
    issued = make_key(old, name="engine", allowed_api_key=ANN, scopes=["read", "ingest"])["api_key"]
    assert send(old, "POST", "/logs/ann-1/tags", ANN, tag="kept").status == 200
    link = send(old, "POST", "/logs/ann-1/public", ANN).json["public_token"]
    new = place.rotate()
    assert list_ids(new, ANN) == list_ids(old, ANN) == IDS[ANN]
    assert SUPERSEDED_SECRET in old.request("GET", "/healthz").json["warnings"]
    post(old, "ann-1", "ann-3", user=ANN)
    assert old.ingest(make_document("ann-4", request={"user_api_key": ANN}), x_api_key=issued).status == 201
    assert list_ids(new, ANN) == list_ids(old, ANN) == ["ann-1", "ann-2", "ann-3", "ann-4"]
    assert place.find_remains(ANN) == set()
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
    assert place.find_remains("eve") == set()
    post(old, "dora-1", user="dora")
    assert "waiting   3 owners" in place.status()
    assert list_ids(new, "dora") == ["dora-1"]
    assert old.request("GET", "/logs/ann-2", x_api_key=CARL).status == 404


def test_a_container_with_the_old_secret_stores_no_key_of_a_user_that_moved(place: Rotation) -> None:
    old = place.old
    bound = make_key(old, name="reader", allowed_api_key=BOB, scopes=["read", "curate"])["api_key"]
    place.rotate(ANN, BOB)
    comment = {"username": ANN, "comment": ANN}
    assert send(old, "POST", "/logs/ann-1/discussions", ADMIN_KEY, **comment).status == 201
    assert send(old, "POST", "/logs/bob-1/favorite", ADMIN_KEY, name=BOB).status == 200
    assert send(old, "POST", "/logs/bob-1/tags", bound, tag=BOB).status == 200
    ann, bob = (NEW_HASHER.label_user_key(user) for user in (ANN, BOB))
    assert place.rows("select username, comment from discussions") == [(ann, ann)]
    stored = place.rows("select favorited_by, tags from requests where request_id = 'bob-1'")
    assert stored == [([bob], [bob])]


def test_a_rotation_waits_for_keys_that_are_being_stored(place: Rotation) -> None:
    """Between the check of the secret and the commit of a key, no rotation can begin that would not see its owner."""
    hmac, label = OLD_HASHER.identify("eve")
    begin = "select begin_rotation(%s, %s)", (OLD_HASHER.fingerprint, NEW_HASHER.fingerprint)
    is_waiting = "select count(*) from pg_locks where not granted and relation = 'environment'::regclass"
    with psycopg.connect(place.url) as storing, ThreadPoolExecutor(1) as pool:
        storing.execute("select hold_stamp('thunder-backend')")
        storing.execute("select require_present_secret(%s)", [OLD_HASHER.fingerprint])
        begun = pool.submit(lambda: place.sql.execute(*begin).fetchone())
        with psycopg.connect(place.url, autocommit=True) as watching:
            wait_until(lambda: watching.execute(is_waiting).fetchone() == (1,))
        storing.execute(
            "insert into api_keys (key_hash, key_prefix, name, is_admin, scopes, user_key_hmac, user_key_label)"
            " values ('x', 'ck_x', 'k', false, '{read}', %s, %s)",
            [hmac, label],
        )
        storing.commit()
        assert begun.result(timeout=60) == (4,)
    assert place.rows("select user_key_label from former_owners where user_key_hmac = %s", hmac) == [(label,)]


def test_streams_follow_their_user(place: Rotation) -> None:
    issued = make_key(place.old, name="reader", allowed_api_key=ANN)["api_key"]
    new = place.rotate()
    with (
        open_socket(new, query={"api_key": issued}) as of_issued_key,
        open_socket(new, query={"api_key": ANN}) as of_user_key,
    ):
        post(new, "streamed", user=ANN)
        assert receive_ids(of_issued_key) == receive_ids(of_user_key) == ["streamed"]


def test_concurrent_containers_move_an_owner_once(place: Rotation) -> None:
    post(place.old, *(f"many-{index}" for index in range(40)), user=ANN)
    clients = [place.rotate(), place.rotate()]

    def use(index: int) -> int:
        client = clients[index % 2]
        if index % 3 == 0:
            return client.request("GET", "/logs", x_api_key=ANN).status
        document = make_document(f"posted-{index}", number(one_token()), request={"user_api_key": ANN})
        return client.ingest(document, x_api_key=ADMIN_KEY).status

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(use, range(24)))
    assert sorted(set(statuses)) == [200, 201]
    assert place.find_remains(ANN) == set()
    present = NEW_HASHER.identify(ANN).hmac
    assert place.rows("select count(*) from requests where user_key_hmac = %s", present) == [(58,)]
    assert place.rows("select present_hmac from former_owners where present_hmac is not null") == [(present,)]


def test_processes_rotate_the_secret(place: Rotation, tmp_path: Path) -> None:
    """`make run` with two workers, on the database of a server with the old secret."""
    environment = {"DATABASE_URL": place.url, "THUNDER_ADMIN_KEY": ADMIN_KEY, "APP_WORKERS": "2", **ROTATING}
    with running(tmp_path, **environment) as run:
        client = Client(urllib3.PoolManager(maxsize=8), run.url, ADMIN_KEY)
        assert len(list_workers(run.process.pid)) == 2
        with ThreadPoolExecutor(8) as pool:
            listed = list(pool.map(partial(list_ids, client), [*IDS] * 4))
    assert listed == [*IDS.values()] * 4
