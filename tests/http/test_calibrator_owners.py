"""The owners of calibrators: permissions to fit them, and the requests that they apply to."""

import json

import psycopg

from tests.support.calibrators import LABELS, fit, fit_well, post_new, refer
from tests.support.client import Client, make_key, send
from tests.support.command import Command
from tests.support.keys import ADMIN_KEY
from tests.support.labels import make_answer, post_labelled


def test_a_user_fits_own_requests_and_calibrates_only_them(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS[:100], user_api_key="key-of-ann")
    post_labelled(client, sql, LABELS[100:], prefix="m", user_api_key="key-of-bob")
    assert fit(client, "key-of-bob").json["error"].startswith("score: 50 labeled requests")
    own = fit_well(client, "key-of-ann")
    assert (own["n"], own["for_users"], own["user_api_key"][:4]) == (100, False, "ke…#")
    assert post_new(client, "a", user_api_key="key-of-ann")["calibrator"] == refer(own)
    assert post_new(client, "b", user_api_key="key-of-bob")["calibrator"] is None
    assert post_new(client, "c")["calibrator"] is None
    assert fit(client, "key-of-ann", for_users=True).status == 403

    path = f"/v1/calibrators/{own['id']}"
    assert send(client, "GET", "/v1/calibrators", "key-of-bob").json["calibrators"] == []
    assert send(client, "PATCH", path, "key-of-bob", active=False).status == 404
    assert send(client, "DELETE", path, "key-of-bob").status == 404
    assert send(client, "GET", "/v1/calibrators", "key-of-ann").json["calibrators"] == [own]
    assert send(client, "GET", "/v1/calibrators", ADMIN_KEY).json["calibrators"] == [own]

    of_all = fit_well(client)
    assert of_all["n"] == 150
    assert post_new(client, "a", user_api_key="key-of-ann")["calibrator"] == refer(own)
    assert post_new(client, "b", user_api_key="key-of-bob")["calibrator"] == refer(of_all)
    assert send(client, "GET", "/v1/calibrators", "key-of-bob").json["calibrators"] == []
    team = make_key(client, name="team", scopes=["read_all"])["api_key"]
    of_ann = make_key(client, name="ann", scopes=["read_all"], allowed_api_key="key-of-ann")["api_key"]
    expectations = {"key-of-ann": own, "key-of-bob": of_all, ADMIN_KEY: of_all, team: of_all, of_ann: own}
    for key, expected in expectations.items():
        body = json.dumps(make_answer("x", 0.5)).encode()
        assert client.post_bytes("/v1/score", body, x_api_key=key).json["calibrator"] == refer(expected)


def test_an_admin_can_keep_a_calibrator_from_users(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS)
    calibrator = fit_well(client, for_users=False)
    assert calibrator["for_users"] is False
    assert post_new(client, "a", user_api_key="key-of-ann")["calibrator"] is None
    assert post_new(client, "b")["calibrator"] == refer(calibrator)
    body = json.dumps(make_answer("x", 0.5)).encode()
    for key in ("key-of-ann", make_key(client, name="team", scopes=["read", "read_all"])["api_key"]):
        assert client.post_bytes("/v1/score", body, x_api_key=key).json["calibrator"] is None


def test_an_unbound_key_cannot_fit(client: Client) -> None:
    unbound = make_key(client, name="unbound", scopes=["read", "curate"])["api_key"]
    assert fit(client, unbound).status == 403
    assert send(client, "GET", "/v1/calibrators", unbound).json["calibrators"] == []


def test_a_deleted_user_leaves_no_calibrator(
    client: Client, sql: psycopg.Connection, manage: Command, database_url: str
) -> None:
    post_labelled(client, sql, LABELS, user_api_key="key-of-ann")
    fit_well(client, "key-of-ann")
    fit_well(client)
    done = manage("delete", "--user-key", "key-of-ann", "--yes", on=database_url)
    assert done.exit_code == 0, done.output
    assert [one["user_api_key"] for one in client.get("/v1/calibrators").json["calibrators"]] == [None]
