"""Links that sign a browser in as the admin, as `make run` and `manage.py sign-in` print them."""

import re
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.browsers import OWN_PAGE, BrowserOf
from tests.support.client import Client, make_key, send
from tests.support.command import Command
from tests.support.keys import ADMIN_KEY


@pytest.fixture
def token(manage: Command, url: str) -> str:
    done = manage("sign-in", "--url", "http://t.example/", on=url, THUNDER_ADMIN_KEY=ADMIN_KEY)
    assert done.exit_code == 0, done.output
    found = re.search(r"^http://t\.example/sign-in#([\w-]{43})$", done.stdout, re.MULTILINE)
    assert found
    return found[1]


def follow(browser: BrowserOf, client: Client, token: str, **headers: str) -> int:
    return browser.send(client, "POST", "/auth/sign-in", {"link": token}, **headers).status


def test_a_link_signs_in_once_with_the_rights_of_the_admin_key(keys: Client, token: str) -> None:
    browser, other = BrowserOf(), BrowserOf()
    assert follow(browser, keys, token) == 200
    assert browser.who(keys) == "admin"
    assert browser.send(keys, "GET", "/auth/keys").status == 200
    assert follow(other, keys, token) == 401
    assert other.cookies == {}
    assert browser.who(keys) == "admin"


def test_of_several_concurrent_uses_one_signs_in(keys: Client, token: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        uses = [threads.submit(follow, BrowserOf(), keys, token) for _ in range(8)]
    statuses = [use.result() for use in uses]
    assert sorted(statuses) == [200] + [401] * 7


def test_a_link_expires_after_fifteen_minutes(keys: Client, rows: psycopg.Connection, token: str) -> None:
    ((minutes,),) = rows.execute(
        "select round(extract(epoch from max(expires_at) - now()) / 60)::int from sign_in_links"
    ).fetchall()
    assert minutes == 15
    rows.execute("update sign_in_links set expires_at = now()")
    browser = BrowserOf()
    assert follow(browser, keys, token) == 401
    assert browser.cookies == {}


def test_a_link_of_another_admin_key_signs_nobody_in(keys: Client, manage: Command, url: str) -> None:
    done = manage("sign-in", on=url, THUNDER_ADMIN_KEY="another key")
    assert follow(BrowserOf(), keys, done.stdout.strip().partition("#")[2]) == 401


def test_a_page_of_another_site_cannot_use_a_link_up(keys: Client, token: str) -> None:
    assert follow(BrowserOf(), keys, token, sec_fetch_site="cross-site") == 403
    assert follow(BrowserOf(), keys, token, **OWN_PAGE) == 200


def test_signing_out_everywhere_with_the_admin_key_ends_unused_links(keys: Client, token: str) -> None:
    path = "/auth/sign-out?everywhere=true"
    assert send(keys, "POST", path, ADMIN_KEY).status == 200
    assert follow(BrowserOf(), keys, token) == 401


def test_signing_out_everywhere_with_another_key_keeps_the_links(keys: Client, token: str) -> None:
    key = make_key(keys, name="k", is_admin=True)["api_key"]
    assert send(keys, "POST", "/auth/sign-out?everywhere=true", key).status == 200
    assert follow(BrowserOf(), keys, token) == 200


@pytest.mark.parametrize("guess", ["", "x", "\0", "\u00e9", "../", ADMIN_KEY])
def test_an_unknown_link_signs_nobody_in(keys: Client, guess: str) -> None:
    assert follow(BrowserOf(), keys, guess) == 401


def test_the_database_does_not_contain_the_token(rows: psycopg.Connection, token: str) -> None:
    ((dumped,),) = rows.execute("select string_agg(sign_in_links::text, ' ') from sign_in_links").fetchall()
    assert token not in dumped
    assert token.encode().hex() not in dumped


def test_the_command_needs_the_admin_key_of_the_server(manage: Command, url: str) -> None:
    done = manage("sign-in", on=url)
    assert done.exit_code == 1
    assert "THUNDER_ADMIN_KEY: not set" in done.output
