"""The view of API keys, for admins."""

import re

from playwright.sync_api import Page, expect

from tests.support.axe import assert_accessible
from tests.support.browser import sign_in
from tests.support.client import Client, make_key, send
from tests.support.feed_page import HOSTILE, post
from tests.support.keys import ADMIN_KEY


def open_keys(page: Page, key: str = ADMIN_KEY) -> None:
    sign_in(page, key, "/keys")


def test_a_key_is_created_shown_once_rotated_and_revoked(client: Client, page: Page) -> None:
    post(client, "a", user_api_key="key-of-ann")
    open_keys(page)
    expect(page.get_by_role("heading", level=2, name="No keys")).to_be_visible()
    page.get_by_label("Name").fill("engine")
    page.get_by_role("combobox", name="User").fill("key-of-ann")
    page.get_by_label("Expires").select_option("in 30 days")
    page.get_by_label("curate").uncheck()
    page.get_by_label("delete").check()
    page.get_by_role("button", name="Create key").dblclick()  # one key nevertheless
    shown = page.locator(".secret")
    expect(shown).to_have_text(re.compile("^ck_[0-9a-f]{64}$"))
    secret = shown.inner_text()
    assert send(client, "GET", "/logs/a", secret).status == 200
    row = page.get_by_role("row", name="engine")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("delete, read")
    expect(row).to_contain_text("ke…#")
    page.reload()
    expect(row).to_be_visible()
    assert secret not in page.content()

    row.get_by_role("button", name="Rotate engine").click()
    row.get_by_label("End of the old key engine").select_option("immediately")
    row.get_by_role("button", name="Create new key of engine").click()
    expect(shown).to_have_text(re.compile("^ck_[0-9a-f]{64}$"))
    successor = shown.inner_text()
    assert send(client, "GET", "/logs/a", secret).status == 401
    assert send(client, "GET", "/logs/a", successor).status == 200
    expect(page.get_by_role("row", name="engine")).to_have_count(1)

    row.get_by_role("button", name="Revoke engine").click()
    assert send(client, "GET", "/logs/a", successor).status == 200, "the first click only asks"
    row.get_by_role("button", name="Confirm revoke engine").click()
    expect(page.get_by_text("Key engine is revoked.")).to_be_visible()
    assert send(client, "GET", "/logs/a", successor).status == 401
    page.get_by_label("Show revoked and expired keys (2)").check()
    expect(page.get_by_role("row", name="engine")).to_have_count(2)


def test_an_admin_key_can_be_created_and_errors_keep_the_form(client: Client, page: Page) -> None:
    open_keys(page)
    page.get_by_label("Name").fill("boss")
    page.get_by_role("combobox", name="User").fill("xx…#0123456789ab")
    page.get_by_label("Admin").check()
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("alert")).to_contain_text("allowed_api_key: no user has this label")
    expect(page.get_by_label("Name")).to_have_value("boss")
    page.get_by_role("combobox", name="User").fill("")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("row", name="boss")).to_contain_text("admin")
    (key,) = send(client, "GET", "/auth/keys", ADMIN_KEY).json["keys"]
    assert key["is_admin"]


def test_only_admins_have_the_view(client: Client, page: Page) -> None:
    key = make_key(client, name="reader", scopes=["read"])["api_key"]
    sign_in(page, key)
    expect(page.get_by_role("banner")).to_contain_text("reader")
    expect(page.get_by_role("link", name="Keys")).to_have_count(0)
    page.goto("/keys")
    expect(page.get_by_role("alert")).to_contain_text("lacks the scope 'admin'")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")
    sign_in(page, ADMIN_KEY)
    expect(page.get_by_role("link", name="Keys")).to_be_visible()


def test_hostile_names_are_text_and_the_view_is_accessible(client: Client, page: Page) -> None:
    make_key(client, name=HOSTILE, description=HOSTILE)
    open_keys(page)
    expect(page.get_by_role("rowheader")).to_contain_text("<img src=x onerror=")
    assert page.locator("main img, main script").count() == 0
    page.get_by_text("New key", exact=True).click()
    page.get_by_role("button", name="Rotate").click()
    assert_accessible(page)
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
