"""Rotation of THUNDER_SECRET: a user's data moves when the user's key is next used, and nothing is lost."""

import json
from pathlib import Path

import pytest

from core.access.secret import LEFT_OVER, UNFINISHED_ROTATION
from functions.jobs.chores import Description, describe_database
from tests.support.client import make_key, send
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.posts import post, post_probs
from tests.support.receiver import receiving
from tests.support.rotation import (
    ANN,
    BOB,
    CARL,
    FINISHED,
    IDS,
    INSERT_CALIBRATOR,
    NEW,
    NEW_HASHER,
    OLD_HASHER,
    THIRD,
    Rotation,
    list_ids,
)


def test_everything_that_a_user_owns_moves_when_the_key_is_used(place: Rotation) -> None:
    old = place.old
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
    place.sql.execute(INSERT_CALIBRATOR, [hmac, label])
    alert = {"name": "low", "kind": "threshold", "threshold": 0.5}
    assert place.find_remains(ANN) > {"requests.user_key_hmac", "discussions.username", "collections.created_by"}

    with receiving() as receiver:
        secret = send(old, "POST", "/v1/alerts", ANN, url=receiver.url(), **alert).json["secret"]
        new = place.rotate()
        assert [one for one in new.request("GET", "/healthz").json["warnings"] if "SECRET" in one] == []
        assert "state     new; the next server begins" in place.status()
        # A bound key does not contain the user's key, so it works on the rows where they are.
        assert list_ids(new, issued) == IDS[ANN]
        assert "waiting   3 owners with 4 requests" in place.status()
        assert place.find_remains(ANN) >= {"requests.user_key_hmac", "api_keys.user_key_hmac"}
        feed = new.request("GET", "/logs", x_api_key=ANN)
        assert {row["user_api_key"] for row in feed.json["data"]} == {NEW_HASHER.label_user_key(ANN)}
        assert place.find_remains(ANN) == set()
        assert list_ids(new, issued) == list_ids(new, ANN) == IDS[ANN]
        assert place.read_owner("bob-1") == OLD_HASHER.identify(BOB)

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


def test_a_post_moves_its_user_and_replaces_the_request(place: Rotation) -> None:
    assert send(place.old, "POST", "/logs/bob-1/tags", BOB, tag="kept").status == 200
    new = place.rotate()
    post(new, "bob-1", user=BOB)
    revision, tags = place.rows("select revision, tags from requests where request_id = 'bob-1'")[0]
    assert (revision, tags, place.read_owner("bob-1")) == (2, ["kept"], NEW_HASHER.identify(BOB))
    post(new, "new-user", user="dora")
    assert place.rows("select count(*) from former_owners where present_hmac is not null") == [(1,)]


def test_the_rotation_ends_when_no_owner_waits(place: Rotation) -> None:
    link = send(place.old, "POST", "/logs/ann-1/public", ANN).json["public_token"]
    new = place.rotate(ANN, BOB)
    removed = place.start(**FINISHED)
    assert LEFT_OVER in removed.request("GET", "/healthz").json["warnings"]
    shown = place.status(1, **FINISHED)
    assert (LEFT_OVER in shown, "waiting   1 owner with 1 request" in shown) == (True, True)
    assert LEFT_OVER in place.run("doctor", **FINISHED).stdout
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"DATABASE_URL": place.url, **FINISHED}.items():
            patch.setenv(name, value)
        described = describe_database()
    assert isinstance(described, Description)
    assert (described.problem, f"warning   {LEFT_OVER}" in described.lines) == ("", True)

    assert list_ids(new, CARL) == IDS[CARL]
    assert "waiting   no owner; remove THUNDER_SECRET_PREVIOUS" in place.status()
    last = place.start(**FINISHED)
    assert list_ids(last, CARL) == IDS[CARL]
    assert place.count_former() == 0
    assert place.rows("select previous_fingerprint from environment") == [(None,)]
    assert last.request("GET", "/logs/ann-1", x_api_key=ANN).json["public_token"] == link
    assert place.rows("select details from audit_log where action = 'secret.rotate'") == [({"owners": 3},)]


def test_owners_are_given_up_on_request(place: Rotation) -> None:
    place.rotate(ANN)
    done = place.run("secret", "accept", "--yes", **FINISHED)
    assert (done.exit_code, "2 owners of the previous secret" in done.stderr) == (0, True), done.output
    assert place.count_former() == 0
    orphaned = place.rows("select details from audit_log where action = 'secret.accept'")
    assert orphaned == [({"orphaned": {"waiting": 2, "waiting_requests": 2}},)]
    assert LEFT_OVER not in place.status(**FINISHED)


def test_chores_find_a_user_before_and_during_the_rotation(place: Rotation) -> None:
    assert place.run("doctor").exit_code == 0
    # No server has begun the rotation, so commands use the secret that the rows have.
    assert place.run("export", "--user", ANN).stdout.count("ann-") == 2
    assert place.run("keys", "create", "k", "--user-key", BOB, "--yes").exit_code == 0
    assert place.run("delete", "--user-key", BOB, "--yes").exit_code == 0
    Path("eve.json").write_text(json.dumps(make_document("eve-1", request={"user_api_key": "eve"})))
    assert place.run("import", "eve.json").exit_code == 0
    assert place.read_owner("eve-1") == OLD_HASHER.identify("eve")
    assert place.count_former() == 0

    place.rotate().request("GET", "/logs", x_api_key=ANN)
    assert place.run("export", "--user", CARL).stdout.count("carl-") == 1
    assert place.read_owner("carl-1") == NEW_HASHER.identify(CARL)
    assert "skipped eve-1" in place.run("import", "eve.json").stdout
    assert place.read_owner("eve-1") == NEW_HASHER.identify("eve")
    assert place.run("keys", "create", "k2", "--user-key", "eve", "--yes").exit_code == 0
    assert place.run("delete", "--user-key", CARL, "--yes").exit_code == 0
    assert place.run("verify-deletion", "carl-1", "--user-key", CARL).exit_code == 0
    assert place.run("delete", "--user-key", "nobody", "--yes").exit_code == 3
    found = place.run("verify-deletion", "carl-1", "--user-key", BOB)
    assert (found.exit_code, "api_keys" in found.stdout) == (1, True), found.output


def test_an_export_of_a_rotation_keeps_its_owners(place: Rotation, second_url: str) -> None:
    new = place.rotate(ANN)
    assert place.run("export", "--what", "traces", "--output", "all.jsonl").exit_code == 0
    lines = [json.loads(line)["thunder_export"] for line in Path("all.jsonl").read_text().splitlines()]
    secrets = [one["secret"] for one in lines]
    assert secrets == [NEW_HASHER.fingerprint] * 2 + [OLD_HASHER.fingerprint] * 2
    # Into an empty database: the owners that had not moved wait there, too.
    done = place.run("import", "all.jsonl", on=second_url)
    assert (done.exit_code, done.stdout.count("ok")) == (0, 4), done.output
    assert "waiting   2 owners with 2 requests" in place.status(on=second_url)
    assert place.run("export", "--user", BOB, on=second_url).stdout.count("bob-1") == 1
    # Into the same one, where bob has moved in the meantime.
    assert list_ids(new, BOB)
    again = place.run("import", "all.jsonl", "--on-conflict", "replace")
    assert (again.exit_code, again.stdout.count("skipped")) == (0, 4), again.output
    assert place.read_owner("bob-1") == NEW_HASHER.identify(BOB)


def test_an_owner_of_nothing_but_dead_keys_does_not_wait(place: Rotation) -> None:
    made = make_key(place.old, name="reader", allowed_api_key="eve")
    new = place.rotate(*IDS)
    assert "waiting   1 owner with 0 requests" in place.status()
    assert send(new, "DELETE", "/auth/keys", ADMIN_KEY, id=made["id"]).status == 200
    assert "waiting   no owner" in place.status()
    finished = place.start(**FINISHED)
    assert list_ids(finished, ANN) == IDS[ANN]
    assert place.count_former() == 0
    assert place.find_remains("eve") == {"api_keys.user_key_label"}, "the list of keys shows whose key it was"
    (listed,) = [one for one in send(finished, "GET", "/auth/keys", ADMIN_KEY).json["keys"] if one["id"] == made["id"]]
    assert (listed["allowed_api_key"], listed["is_active"]) == (OLD_HASHER.label_user_key("eve"), False)
    # A container from before the rotation binds no key to a hash that the present secret never matches.
    assert send(place.old, "POST", "/auth/keys", ADMIN_KEY, name="k", allowed_api_key="eve").status == 503


def test_a_second_rotation_needs_the_first_to_be_finished(place: Rotation) -> None:
    link = send(place.old, "POST", "/logs/ann-1/public", ANN).json["public_token"]
    place.rotate(ANN, BOB)
    early = {"THUNDER_SECRET": THIRD, "THUNDER_SECRET_PREVIOUS": NEW}
    assert UNFINISHED_ROTATION in place.status(1, **early)
    assert UNFINISHED_ROTATION in place.start(**early).request("GET", "/healthz").json["warnings"]
    # Reversed: carl's rows already have the secret that is present again.
    back = place.start(THUNDER_SECRET=SECRET, THUNDER_SECRET_PREVIOUS=NEW)
    assert list_ids(back, CARL) == IDS[CARL]
    assert place.count_former() == 2
    assert list_ids(back, ANN) == IDS[ANN]
    assert place.read_owner("ann-1") == OLD_HASHER.identify(ANN)
    assert list_ids(back, BOB) == IDS[BOB]
    third = place.start(THUNDER_SECRET=THIRD, THUNDER_SECRET_PREVIOUS=SECRET)
    assert third.request("GET", "/logs/ann-1", x_api_key=ANN).json["public_token"] == link
    assert third.request("GET", f"/share/request/{link}").status == 200


def test_rows_that_meet_others_of_the_same_name_are_kept(place: Rotation) -> None:
    former, present = OLD_HASHER.identify(ANN), NEW_HASHER.identify(ANN)
    for client in (place.old, place.rotate()):
        assert send(client, "POST", "/collections", ANN, name="mine").status in {200, 201}
    # As a container with the old secret stores them that read the user's key just before the rows moved.
    place.sql.execute("insert into collections (name, user_key_hmac) values ('mine', %s)", [former.hmac])
    for owner in (former, present):
        place.sql.execute(INSERT_CALIBRATOR, [*owner])
    place.sql.execute("update requests set calibrator_id = 1, calibrator_version = 1 where request_id = 'ann-1'")
    another = place.rotate()
    listed = another.request("GET", "/collections", x_api_key=ANN).json["collections"]
    assert sorted(one["name"] for one in listed) == ["mine", "mine (3)"]
    calibrators = place.rows("select version, is_active, user_key_hmac from calibrators order by id")
    assert calibrators == [(2, False, present.hmac), (1, True, present.hmac)]
    assert place.rows("select calibrator_version from requests where request_id = 'ann-1'") == [(2,)]
    assert place.find_remains(ANN) == set()


def test_the_secret_as_its_own_previous_one_changes_nothing(place: Rotation) -> None:
    assert send(place.old, "POST", "/collections", ANN, name="mine").status in {200, 201}
    place.sql.execute(INSERT_CALIBRATOR, [*OLD_HASHER.identify(ANN)])
    same = {"THUNDER_SECRET": SECRET, "THUNDER_SECRET_PREVIOUS": SECRET}
    for client in (place.start(**same), place.start(**same)):
        assert list_ids(client, ANN) == IDS[ANN]
    assert place.rows("select name from collections") == [("mine",)]
    assert place.rows("select version, is_active from calibrators") == [(1, True)]
    assert place.count_former() == 0
    assert "waiting" not in place.status(**same)
