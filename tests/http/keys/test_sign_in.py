"""Browsers sign in with a cookie. It works only for pages of the server's origin, and as long as its key is valid."""

import hashlib
import hmac
import re
from typing import Any

import psycopg
import pytest

from tests.support.browsers import OWN_PAGE, BrowserOf, read_cookies
from tests.support.client import Client, make_key, send
from tests.support.command import Command
from tests.support.databases import Databases
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET, label
from tests.support.servers import ServerThread, server_thread

USER = "key-of-ann"


def sign_in(client: Client, key: str = ADMIN_KEY) -> BrowserOf:
    browser = BrowserOf()
    assert browser.sign_in(client, key).status == 200
    return browser


def test_the_cookie_has_the_rights_of_the_key(keys: Client) -> None:
    key = make_key(keys, name="reader", scopes=["read"], allowed_api_key=USER)["api_key"]
    assert sign_in(keys).who(keys) == "admin"
    assert sign_in(keys, USER).who(keys) == label(USER)
    reader = sign_in(keys, key)
    assert reader.who(keys) == "reader"
    assert reader.send(keys, "GET", "/logs/r1").status == 200
    assert reader.send(keys, "POST", "/logs/r1/tags", {"tag": "t"}).status == 403
    assert reader.send(keys, "GET", "/auth/keys").status == 403
    assert sign_in(keys).send(keys, "GET", "/auth/keys").status == 200


def test_the_cookie_is_hidden_from_scripts_and_from_other_sites(keys: Client) -> None:
    (cookie,) = read_cookies(BrowserOf().sign_in(keys, ADMIN_KEY))
    assert re.fullmatch(r"thunder-[0-9a-f]{12}", cookie.key)
    assert len(cookie.value) == 43
    flags = ("httponly", "samesite", "path", "secure", "domain", "max-age")
    assert [cookie[name] for name in flags] == [True, "strict", "/", "", "", "2592000"]
    made = BrowserOf().send(
        keys, "POST", "/auth/sign-in", {}, x_api_key=ADMIN_KEY, origin="https://t.example", **OWN_PAGE
    )
    assert read_cookies(made)[0]["secure"] is True


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin, cross-site"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "127.0.0.1"},
        {"origin": "file://127.0.0.1"},
        {"accept": "*/*"},
        {"referer": "http://127.0.0.1/"},
    ],
    ids=str,
)
def test_a_request_of_another_page_has_no_rights(keys: Client, headers: dict[str, str]) -> None:
    browser = sign_in(keys)
    assert browser.who(keys, **headers) == 401
    for method, path in (("POST", "/auth/keys"), ("DELETE", "/logs/r1"), ("POST", "/auth/sign-out")):
        assert browser.send(keys, method, path, {"name": "stolen"}, **headers).status == 401, path
    assert browser.send(keys, "POST", "/auth/sign-in", {}, x_api_key=ADMIN_KEY, **headers).status == 403
    assert browser.who(keys) == "admin"
    assert browser.send(keys, "GET", "/", **headers).status == 200, "links from elsewhere open the viewer"


def test_an_origin_that_equals_the_own_is_enough(keys: Client) -> None:
    browser = sign_in(keys)
    assert browser.who(keys, origin=keys.url) == "admin"
    assert browser.who(keys, origin=keys.url, sec_fetch_site="cross-site") == 401


def test_a_form_of_another_site_changes_nothing(keys: Client) -> None:
    """A browser sends a form without a preflight request, and Chrome sends recent cookies with it."""
    browser = sign_in(keys)
    form = {"origin": "https://evil.example", "sec_fetch_site": "cross-site", "content_type": "text/plain"}
    posted = keys.request(
        "POST",
        "/auth/keys",
        b'{"name": "of a form", "is_admin": true, "a": "="}',
        cookie=browser.write_cookies(),
        **form,
    )
    assert posted.status == 415
    assert not [one for one in send(keys, "GET", "/auth/keys", ADMIN_KEY).json["keys"] if one["name"] == "of a form"]


def test_a_key_that_is_sent_takes_precedence(keys: Client) -> None:
    browser = sign_in(keys)
    assert browser.who(keys, x_api_key=USER, **OWN_PAGE) == label(USER)
    assert browser.who(keys, x_api_key="unknown", **OWN_PAGE) == 401


def test_the_token_is_not_a_key(keys: Client) -> None:
    (token,) = sign_in(keys).cookies.values()
    assert send(keys, "GET", "/auth/me", token).status == 401
    assert keys.request("GET", "/auth/me", authorization=f"Bearer {token}", **OWN_PAGE).status == 401


def test_a_key_in_the_cookie_is_not_a_token(keys: Client) -> None:
    (name,) = sign_in(keys).cookies
    for value in (ADMIN_KEY, USER, make_key(keys, name="k")["api_key"], "", "x" * 3000, "\u00e9", '"a;b"'):
        assert BrowserOf({name: value}).who(keys) == 401, value


def test_signing_out_ends_only_this_browser(keys: Client) -> None:
    one, other = sign_in(keys), sign_in(keys)
    stolen, late = BrowserOf(dict(one.cookies)), BrowserOf(dict(one.cookies))
    assert one.send(keys, "POST", "/auth/sign-out").json == {"message": "signed out"}
    assert one.cookies == {}
    assert [each.who(keys) for each in (one, stolen, other)] == [401, 401, "admin"]
    assert stolen.cookies == {}, "a refusal deletes the cookie"
    assert late.send(keys, "POST", "/auth/sign-out").status == 200, "the cookie is deleted in any case"
    assert BrowserOf().send(keys, "POST", "/auth/sign-out").status == 401


def test_signing_out_everywhere_ends_all_browsers_of_the_key(keys: Client) -> None:
    key, other = (make_key(keys, name=name)["api_key"] for name in ("k", "other"))
    for secret, name in ((ADMIN_KEY, "admin"), (USER, label(USER)), (key, "k")):
        assert send(keys, "POST", "/auth/sign-out?everywhere=true", secret).status == 200
        mine, lost = sign_in(keys, secret), sign_in(keys, secret)
        kept = [sign_in(keys, one) for one in {ADMIN_KEY, USER, key, other} - {secret}]
        ended = mine.send(keys, "POST", "/auth/sign-out?everywhere=true")
        assert (ended.status, ended.json["message"]) == (200, "signed out in 2 browsers")
        assert mine.cookies == {}
        assert lost.who(keys) == 401
        assert 401 not in [one.who(keys) for one in kept]
        assert send(keys, "GET", "/auth/me", secret).json["name"] == name, "the key itself stays valid"
    (entry, *_) = send(keys, "GET", "/v1/audit?action=browser.sign_out_everywhere", ADMIN_KEY).json["entries"]
    assert (entry["subject"], entry["details"]) == ("browser", {"browsers": 2})


def test_a_program_signs_the_browsers_of_its_key_out(keys: Client) -> None:
    path = "/auth/sign-out?everywhere=true"
    assert send(keys, "POST", path, USER).status == 200
    lost = sign_in(keys, USER)
    ended = send(keys, "POST", path, USER)
    assert (ended.status, ended.json["message"]) == (200, "signed out in 1 browser")
    assert "Set-Cookie" not in ended.headers
    assert lost.who(keys) == 401
    assert send(keys, "POST", path, USER).json["message"] == "signed out in 0 browsers"
    assert [send(keys, "POST", path, key).status for key in (None, "unknown")] == [401, 401]
    # A page of another origin can't end them with the cookie.
    browser = sign_in(keys)
    assert browser.send(keys, "POST", path, sec_fetch_site="cross-site", origin="https://evil.example").status == 401
    assert browser.who(keys) == "admin"


@pytest.mark.parametrize("ending", ["revoked", "rotated", "expired"])
def test_a_sign_in_ends_with_its_key(keys: Client, rows: psycopg.Connection, ending: str) -> None:
    key = make_key(keys, name="k", allowed_api_key=USER)
    browser = sign_in(keys, key["api_key"])
    assert browser.who(keys) == "k"
    match ending:
        case "revoked":
            assert send(keys, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"]).status == 200
        case "rotated":
            assert send(keys, "POST", f"/auth/keys/{key['id']}/rotate", ADMIN_KEY, overlap_hours=1).status == 200
            assert send(keys, "GET", "/auth/me", key["api_key"]).status == 200, "programs keep the overlap"
            refused = BrowserOf().sign_in(keys, key["api_key"])
            assert (refused.status, refused.json["message"]) == (403, "key: rotated; sign in with its successor")
        case _:
            rows.execute("update api_keys set expires_at = now() where id = %s", [key["id"]])
    assert BrowserOf(dict(browser.cookies)).who(keys) == 401
    assert browser.send(keys, "GET", "/logs").json["message"] == (
        "cookie: signed out or expired, or its key is no longer valid; sign in again"
    )


@pytest.mark.parametrize("path", ["", "/tags", "/favorite", "/discussions", "/collections"])
def test_a_dead_cookie_reads_a_public_request_as_no_key_does(keys: Client, path: str) -> None:
    assert send(keys, "POST", "/logs/r1/public", ADMIN_KEY).status == 200
    (name,) = sign_in(keys).cookies
    browser = BrowserOf({name: "dead"})
    assert browser.send(keys, "GET", f"/logs/r1{path}").json == keys.request("GET", f"/logs/r1{path}").json
    assert send(keys, "DELETE", "/logs/r1/public", ADMIN_KEY).status == 200
    assert browser.send(keys, "GET", f"/logs/r1{path}").status == 401


def test_a_dead_cookie_is_no_guess(keys: Client, server: ServerThread) -> None:
    (name,) = sign_in(keys).cookies
    assert [BrowserOf({name: f"dead-{number}"}).who(keys) for number in range(3)] == [401] * 3
    assert not server.app.state.context.guesses._guessers
    assert send(keys, "GET", "/auth/me", "unknown").status == 401
    assert server.app.state.context.guesses._guessers


def test_a_comment_of_a_signed_in_browser_keeps_no_issued_key(keys: Client) -> None:
    key = make_key(keys, name="k", allowed_api_key=USER)["api_key"]
    for browser, secret, shown in ((sign_in(keys, key), key, "ck_…"), (sign_in(keys), ADMIN_KEY, "admin")):
        sent = {"username": "n", "comment": f"use {secret}."}
        made = browser.send(keys, "POST", "/logs/r1/discussions", sent)
        assert (made.status, made.json["discussion"]["comment"]) == (201, f"use {shown}.")
        alert = {"name": "a", "kind": "exception", "url": f"https://example.com/{secret}"}
        refused = browser.send(keys, "POST", "/v1/alerts", alert)
        assert (refused.status, "contains your API key" in refused.json["message"]) == (400, True)
    whole = sign_in(keys, key).send(keys, "POST", "/logs/r1/tags", {"tag": key})
    assert "k" in whole.json["tags"]


def test_changed_rights_of_a_key_apply_to_its_browsers(keys: Client) -> None:
    key = make_key(keys, name="k", allowed_api_key=USER)
    browser = sign_in(keys, key["api_key"])
    assert browser.send(keys, "GET", "/logs/r1").status == 200
    assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], allowed_api_key="").status == 200
    assert browser.send(keys, "GET", "/logs/r1").status == 404


def test_a_sign_in_expires(keys: Client, rows: psycopg.Connection) -> None:
    browser = sign_in(keys)
    rows.execute("update sign_ins set expires_at = now()")
    assert browser.who(keys) == 401
    sign_in(keys)
    assert rows.execute("select count(*) from sign_ins where expires_at <= now()").fetchone() == (0,)


def test_a_key_has_at_most_a_hundred_browsers(keys: Client, rows: psycopg.Connection) -> None:
    key = make_key(keys, name="k")["api_key"]
    other, first = sign_in(keys), sign_in(keys, key)
    digest = hashlib.sha256(key.encode()).digest()
    rows.execute("update sign_ins set created_at = now() - interval '1 hour' where key_hash = %s", [digest])
    rows.execute(
        "insert into sign_ins (token_hash, key_hash, expires_at) "
        "select sha256(n::text::bytea), %s, now() + interval '1 day' from generate_series(1, 98) as n",
        [digest],
    )
    second = sign_in(keys, key)
    assert first.who(keys) == "k"
    sign_in(keys, key)
    assert [one.who(keys) for one in (first, second, other)] == [401, "k", "admin"]


def test_the_configured_admin_key_ends_its_browsers_when_it_changes(databases: Databases) -> None:
    url = databases.create("changed_admin")
    with server_thread(url, THUNDER_SECRET=SECRET) as client:
        browser = sign_in(client)
    for change in (
        {"THUNDER_ADMIN_KEY": "ck_" + "b" * 64},
        {"THUNDER_ADMIN_KEY": ""},
        {"THUNDER_SECRET": "another one"},
    ):
        with server_thread(url, **{"THUNDER_SECRET": SECRET, **change}) as client:
            assert BrowserOf(dict(browser.cookies)).who(client) == 401, change
    with server_thread(url, THUNDER_SECRET=SECRET) as client:
        assert browser.who(client) == "admin"
    databases.drop("changed_admin")


def test_two_servers_on_one_host_keep_separate_cookies(keys: Client, databases: Databases) -> None:
    url = databases.create("neighbour")
    with server_thread(url, THUNDER_SECRET="another secret") as neighbour:
        browser = sign_in(keys)
        assert browser.sign_in(neighbour, ADMIN_KEY).status == 200
        assert len(browser.cookies) == 2
        assert browser.send(neighbour, "POST", "/auth/sign-out").status == 200
        assert (browser.who(keys), browser.who(neighbour)) == ("admin", 401)
    databases.drop("neighbour")


@pytest.mark.parametrize("body", [{"link": "x" * 201}, {"link": 1}, [], {"link": ["a"]}])
def test_an_invalid_body_is_refused(keys: Client, body: Any) -> None:
    assert BrowserOf().send(keys, "POST", "/auth/sign-in", body, x_api_key=ADMIN_KEY, **OWN_PAGE).status == 400


def test_a_browser_signs_in_only_with_a_live_key(keys: Client) -> None:
    browser = BrowserOf()
    assert browser.sign_in(keys, "unknown").status == 401
    assert browser.send(keys, "POST", "/auth/sign-in", {}).status == 401
    assert browser.cookies == {}
    signed_in = sign_in(keys)
    assert signed_in.send(keys, "POST", "/auth/sign-in", {}).status == 401, "a cookie does not sign in again"


def test_deleting_a_user_signs_the_user_out(keys: Client, rows: psycopg.Connection, manage: Command, url: str) -> None:
    assert keys.ingest(make_document("leaving", request={"user_api_key": "leaver"}), x_api_key=ADMIN_KEY).status == 201
    browser = sign_in(keys, "leaver")
    assert browser.who(keys) == label("leaver")
    assert manage("delete", "--user-key", "leaver", "--yes", on=url).exit_code == 0
    assert browser.who(keys) == 401
    owner = hmac.new(SECRET.encode(), b"leaver", hashlib.sha256).digest()
    assert rows.execute("select count(*) from sign_ins where user_key_hmac = %s", [owner]).fetchone() == (0,)


def test_a_user_whose_requests_are_deleted_is_signed_out_for_good(keys: Client) -> None:
    document = make_document("last", request={"user_api_key": "deleter"})
    assert keys.ingest(document, x_api_key=ADMIN_KEY).status == 201
    browser = sign_in(keys, "deleter")
    copy = BrowserOf(dict(browser.cookies))
    assert browser.send(keys, "DELETE", "/logs/last").status == 200
    assert keys.ingest(document, x_api_key=ADMIN_KEY).status == 201
    assert copy.who(keys) == 401
    stays = sign_in(keys, "deleter")
    other = make_document("other", request={"user_api_key": "deleter"})
    assert keys.ingest(other, x_api_key=ADMIN_KEY).status == 201
    assert stays.send(keys, "DELETE", "/logs/other").status == 200
    assert stays.who(keys) == label("deleter")


def test_a_sign_in_is_in_the_audit_log_without_its_token(keys: Client, rows: psycopg.Connection) -> None:
    browser = sign_in(keys)
    (entry,) = send(keys, "GET", "/v1/audit?action=browser.sign_in&limit=1", ADMIN_KEY).json["entries"]
    assert (entry["actor"], entry["subject"]) == ("admin", "browser")
    (token,) = browser.cookies.values()
    dumped = rows.execute("select string_agg(sign_ins::text, ' ') from sign_ins").fetchone()
    assert dumped is not None
    assert token not in dumped[0]
    assert token.encode().hex() not in dumped[0]
