"""Signing in with a cookie that all tabs share, or only in one tab, and with the link of `make run`."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from playwright.sync_api import Browser, Page, expect

from core.access.sign_ins import LIFETIME_S
from tests.support.axe import assert_accessible
from tests.support.client import Client, make_key, send
from tests.support.command import Command
from tests.support.feed_page import post, wait_until_live
from tests.support.geometry import find_box
from tests.support.keys import ADMIN_KEY
from tests.support.servers import Serve


def sign_in_by_form(page: Page, key: str, *, only_this_tab: bool = False) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_label("Only in this tab").set_checked(only_this_tab)
    page.get_by_role("button", name="Sign in").click()


def expect_the_form(page: Page) -> None:
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()


def expect_the_feed(page: Page) -> None:
    expect(page.get_by_role("heading", level=1, name="Requests")).to_be_visible()


def test_a_link_in_a_new_tab_needs_no_key_again(client: Client, page: Page) -> None:
    post(client, "a")
    page.goto("/")
    sign_in_by_form(page, client.key)
    expect_the_feed(page)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    other = page.context.new_page()
    other.goto("/view/a")
    expect(other.get_by_role("heading", level=1, name="a")).to_be_visible()
    expect(other.get_by_role("tab", name="Share")).to_be_visible()
    expect(other.get_by_role("banner")).to_contain_text("admin")
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("sessionStorage.length + localStorage.length + document.cookie.length") == 0


def test_signing_out_signs_out_all_tabs(client: Client, page: Page) -> None:
    page.goto("/")
    sign_in_by_form(page, client.key)
    expect_the_feed(page)
    other = page.context.new_page()
    other.goto("/overview")
    other.get_by_role("button", name="Sign out").click()
    expect_the_form(other)
    assert page.context.cookies() == []
    page.reload()
    expect_the_form(page)


def test_signing_out_everywhere_signs_out_other_browsers(client: Client, browser: Browser, page: Page) -> None:
    page.goto("/")
    sign_in_by_form(page, client.key)
    wait_until_live(page)
    other = browser.new_page(base_url=client.url)
    other.goto("/")
    sign_in_by_form(other, client.key)
    expect_the_feed(other)
    other.get_by_role("banner").get_by_text("admin").click()
    other.get_by_role("button", name="Sign out everywhere").click()
    expect_the_form(other)
    expect(other.locator("#status")).to_have_text("signed out in 2 browsers")
    other.context.close()
    expect_the_form(page)  # its stream ends
    expect(page.get_by_role("alert")).to_contain_text("sign in again")


def test_a_long_name_leaves_the_header_its_height(client: Client, page: Page) -> None:
    name = "x" * 150 + " <b>long</b>"
    page.goto("/")
    sign_in_by_form(page, make_key(client, name=name, is_admin=True)["api_key"])
    expect_the_feed(page)
    shown = page.get_by_role("banner").get_by_text(name)
    expect(shown).to_have_attribute("title", name)
    box, header = find_box(shown), find_box(page.get_by_role("banner"))
    assert box["width"] < 300
    assert header["height"] < 80


def test_a_key_of_only_this_tab_is_no_cookie(client: Client, page: Page) -> None:
    page.goto("/")
    sign_in_by_form(page, client.key, only_this_tab=True)
    expect_the_feed(page)
    assert page.context.cookies() == []
    other = page.context.new_page()
    other.goto("/")
    expect_the_form(other)


def test_the_end_of_the_key_leads_to_the_form_with_the_reason(client: Client, page: Page) -> None:
    key = make_key(client, name="k", is_admin=True)
    page.goto("/")
    sign_in_by_form(page, key["api_key"])
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert send(client, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"]).status == 200
    expect_the_form(page)  # the stream ends
    expect(page.get_by_role("alert")).to_contain_text("sign in again")
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)


def test_a_wrong_key_is_refused_in_both_ways(page: Page) -> None:
    page.goto("/")
    for only_this_tab in (True, False):
        sign_in_by_form(page, "wrong", only_this_tab=only_this_tab)
        expect(page.get_by_role("alert")).to_have_text("key: unknown, revoked or expired; send a live key")
        assert page.evaluate("sessionStorage.length") == 0
        assert page.context.cookies() == []


def make_link(manage: Command, url: str, database_url: str) -> str:
    with ThreadPoolExecutor() as threads:  # Playwright runs its event loop in this thread
        asked = partial(manage, "sign-in", "--url", url, on=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY)
        return threads.submit(asked).result().stdout.strip()


def test_over_plain_http_from_another_machine_no_cookie_stays(
    client: Client, page: Page, manage: Command, database_url: str
) -> None:
    page = page.context.new_page()  # its console reports headers that need HTTPS
    url = client.url.replace("127.0.0.1", "thunder.test")
    page.goto(make_link(manage, url, database_url))
    expect(page.get_by_role("alert")).to_contain_text("Open Thunder with HTTPS")
    assert page.context.cookies() == []
    sign_in_by_form(page, client.key)
    expect_the_feed(page)
    assert page.context.cookies() == []
    assert page.evaluate("sessionStorage.length") == 1


def test_a_link_signs_in_once(client: Client, page: Page, manage: Command, database_url: str) -> None:
    link = make_link(manage, client.url, database_url)
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(link)
    expect_the_feed(page)
    expect(page).to_have_url(f"{client.url}/")
    expect(page.get_by_role("banner")).to_contain_text("admin")
    token = link.partition("#")[2]
    assert not any(token in address for address in addresses[1:]), "the token is in no further address"
    assert page.context.cookies()[0]["expires"] > LIFETIME_S
    page.get_by_role("button", name="Sign out").click()
    expect_the_form(page)
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("link: used, expired or unknown; sign in with a key")
    sign_in_by_form(page, client.key)
    expect_the_feed(page)


def test_two_servers_on_one_host_keep_their_users(
    client: Client, page: Page, serve: Serve, new_database_url: str
) -> None:
    other = serve(DATABASE_URL=new_database_url, THUNDER_ADMIN_KEY="another-key", THUNDER_SECRET="another secret")
    page.goto("/")
    sign_in_by_form(page, client.key)
    expect_the_feed(page)
    page.goto(other.url)
    expect_the_form(page)
    sign_in_by_form(page, "another-key")
    expect_the_feed(page)
    page.goto(client.url)
    expect_the_feed(page)
    # The cookie is sent to the other port as well, but a page there gets nothing from here.
    foreign = page.context.new_page()  # its console reports what the browser blocks
    foreign.goto(other.url)
    expect_the_feed(foreign)
    read = "url => fetch(url, {credentials: 'include'}).then(r => r.status, () => 'no answer')"
    assert foreign.evaluate(read, f"{client.url}/logs") in {401, "no answer"}
    sent = "url => fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include'})"
    foreign.evaluate(f"url => ({sent})(url).catch(() => 0)", f"{client.url}/auth/sign-out")
    page.goto(client.url)
    expect_the_feed(page)


def test_the_form_is_accessible_and_works_with_the_keyboard(page: Page) -> None:
    page.goto("/sign-in")
    expect_the_form(page)
    page.keyboard.type("wrong")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("Only in this tab")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page).to_have_url(re.compile("/sign-in$"))
    assert_accessible(page)
