"""Two server processes on one database, like two containers: each sees the changes of the other at its next request."""

from collections.abc import Iterator

import pytest

from tests.support.browsers import BrowserOf
from tests.support.client import make_key, send
from tests.support.databases import Databases
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post
from tests.support.processes import Pair, server_process


@pytest.fixture(scope="module")
def pair(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two servers without THUNDER_SECRET, so that both use the secret in the database."""
    logs = tmp_path_factory.mktemp("pair")
    url = databases.create("pair")
    with server_process(logs / "one", url) as one, server_process(logs / "other", url) as other:
        yield Pair(one, other)
    databases.drop("pair")


def test_a_key_issued_in_one_process_works_in_the_other_until_it_is_revoked(pair: Pair) -> None:
    key = make_key(pair.one, name="k", is_admin=True)
    for _ in range(3):
        assert send(pair.one, "GET", "/logs", key["api_key"]).status == 200
        assert send(pair.other, "GET", "/logs", key["api_key"]).status == 200
    assert send(pair.other, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"]).status == 200
    for path in ("/logs", "/auth/validate", "/auth/keys", "/v1/mods"):
        assert send(pair.one, "GET", path, key["api_key"]).status == 401
    refused = pair.one.ingest(make_document("revoked"), x_api_key=key["api_key"])
    assert refused.status == 401


def test_a_browser_signs_in_and_out_in_both_processes(pair: Pair) -> None:
    key = make_key(pair.one, name="k", is_admin=True)
    browser, other = BrowserOf(), BrowserOf()
    for each in (browser, other):
        assert each.sign_in(pair.one, key["api_key"]).status == 200
    # Both have the cookie of the instance, whatever the port.
    assert [each.who(client) for each in (browser, other) for client in (pair.one, pair.other)] == ["k"] * 4
    assert browser.send(pair.other, "POST", "/auth/sign-out").status == 200
    assert (browser.who(pair.one), other.who(pair.one)) == (401, "k")
    assert send(pair.other, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"]).status == 200
    assert other.who(pair.one) == 401


def test_a_change_in_one_process_counts_in_the_other(pair: Pair) -> None:
    post(pair.one, "changed-ann", user="key-of-ann")
    post(pair.one, "changed-bob", user="key-of-bob")
    key = make_key(pair.one, name="k", allowed_api_key="key-of-ann")
    assert send(pair.other, "GET", "/logs/changed-ann", key["api_key"]).status == 200
    changed = send(pair.one, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], allowed_api_key="key-of-bob")
    assert changed.status == 200
    assert send(pair.other, "GET", "/logs/changed-ann", key["api_key"]).status == 404
    assert send(pair.other, "GET", "/logs/changed-bob", key["api_key"]).status == 200


def test_a_key_rotated_without_overlap_is_rejected_in_the_other_process(pair: Pair) -> None:
    key = make_key(pair.one, name="k", is_admin=True)
    assert send(pair.other, "GET", "/logs", key["api_key"]).status == 200
    rotated = send(pair.one, "POST", f"/auth/keys/{key['id']}/rotate", ADMIN_KEY, overlap_hours=0)
    assert send(pair.other, "GET", "/logs", key["api_key"]).status == 401
    assert send(pair.other, "GET", "/logs", rotated.json["api_key"]).status == 200


def test_user_keys_and_labels_are_equal_in_both_processes(pair: Pair) -> None:
    post(pair.one, "labelled", user="key-of-cleo")
    names = [send(client, "GET", "/auth/validate", "key-of-cleo").json["name"] for client in (pair.one, pair.other)]
    assert names[0] == names[1]
    assert send(pair.other, "GET", "/logs/labelled", "key-of-cleo").status == 200


def test_a_link_opens_and_is_revoked_in_both_processes(pair: Pair) -> None:
    post(pair.one, "shared", user="key-of-dora")
    link = send(pair.one, "POST", "/logs/shared/public", ADMIN_KEY).json["public_url"]
    assert send(pair.other, "POST", "/logs/shared/public", ADMIN_KEY).json["public_url"] == link
    assert send(pair.other, "GET", link).status == 200
    assert send(pair.one, "DELETE", "/logs/shared/public", ADMIN_KEY).status == 200
    assert send(pair.other, "GET", link).status == 404
    assert send(pair.other, "GET", "/logs/shared").status == 401
    again = send(pair.other, "POST", "/logs/shared/public", ADMIN_KEY).json["public_url"]
    assert again != link
    assert [send(client, "GET", url).status for client in (pair.one, pair.other) for url in (link, again)] == [
        404,
        200,
        404,
        200,
    ]
