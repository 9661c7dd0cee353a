"""The frame around the views: signing in and out, titles, focus, and unknown addresses."""

import re

from playwright.sync_api import Page, expect

from tests.support.browser import ICON, hold, sign_in
from tests.support.client import Client
from tests.support.documents import load_trace


def test_a_wrong_key_shows_the_error_of_the_server_and_can_be_replaced(client: Client, page: Page) -> None:
    page.goto("/?model=m1")
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    expect(page).to_have_title("Sign in · Thunder")
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    sentence = client.request("GET", "/auth/validate", None, x_api_key="wrong").json["message"]
    expect(page.get_by_role("alert")).to_have_text(sentence)
    expect(page.get_by_label("API key")).to_be_focused()
    assert page.evaluate("sessionStorage.length") == 0
    page.get_by_label("API key").fill(f"  {client.key} ")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name="Requests")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/\?model=m1$"))
    expect(page.locator("#status")).to_have_text("Signed in as admin.")
    assert client.key not in page.content()


def test_signing_out_forgets_the_key(client: Client, page: Page) -> None:
    client.ingest(load_trace("plain-capital"))
    sign_in(page, client.key)
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("article")).to_have_count(0)
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
    assert page.evaluate("sessionStorage.length + localStorage.length + document.cookie.length") == 0
    page.reload()
    expect(page.get_by_label("API key")).to_be_visible()


def test_a_key_stays_in_its_tab(client: Client, page: Page) -> None:
    sign_in(page, client.key)
    expect(page.get_by_role("heading", name="Requests", exact=True)).to_be_visible()
    other = page.context.new_page()
    other.goto("/")
    expect(other.get_by_label("API key")).to_be_visible()


def test_the_key_is_sent_in_a_header_and_in_no_address(client: Client, page: Page) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    sign_in(page, client.key)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert any("/logs/stream" in address for address in addresses)
    assert not [address for address in addresses if client.key in address]


def test_links_change_the_view_without_loading_the_page_again(client: Client, page: Page) -> None:
    sign_in(page, client.key)
    page.evaluate("globalThis.same = true")
    for name, path in {"Compare": "/compare", "Overview": "/overview", "Requests": "/"}.items():
        link = page.get_by_role("navigation", name="Views").get_by_role("link", name=name)
        link.click()
        expect(page).to_have_url(f"{client.url}{path}")
        expect(page).to_have_title(f"{name} · Thunder")
        expect(link).to_have_attribute("aria-current", "page")
        expect(page.get_by_role("main")).to_be_focused()
        expect(page.locator("h1")).to_be_visible()
    page.go_back()
    expect(page).to_have_title("Overview · Thunder")
    assert page.evaluate("globalThis.same")


def test_a_view_that_loads_late_does_not_replace_the_next_one(client: Client, page: Page) -> None:
    sign_in(page, client.key, ICON)
    held = hold(page, "**/views/compare.js")
    page.goto("/")
    with page.expect_request("**/views/compare.js"):
        page.get_by_role("link", name="Compare").click()
    page.get_by_role("link", name="Overview").click()
    expect(page.locator("h1")).to_be_visible()
    shown = page.locator("h1").inner_text()
    held[0].continue_()
    # Once this has appeared, the awaited state of the click had been reached as well.
    page.evaluate("import('/viewer/views/compare.js')")
    assert page.locator("h1").inner_text() == shown


def test_the_first_tab_stop_skips_to_the_content(client: Client, page: Page) -> None:
    sign_in(page, client.key)
    page.goto("/")
    expect(page.get_by_role("heading", name="Requests", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search", exact=True)).to_be_focused()


def test_an_unknown_address_says_so(client: Client, page: Page) -> None:
    answer = page.goto("/nothing/here")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    expect(page).to_have_title("Not found · Thunder")
    page.get_by_role("link", name="All requests").click()
    expect(page).to_have_url(f"{client.url}/")


def test_a_revoked_link_shows_the_error_of_the_server(client: Client, page: Page) -> None:
    page.goto("/share/guessed")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    message = client.request("GET", "/share/guessed", None, accept="application/json").json["message"]
    expect(page.get_by_role("alert")).to_have_text(message)
    expect(page.get_by_label("API key")).to_have_count(0)


def test_text_that_cannot_be_a_key_is_not_sent(page: Page) -> None:
    page.goto("/")
    page.get_by_label("API key").fill("клюé😀")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Not a valid API key")


def test_a_server_that_is_down_can_be_retried(client: Client, page: Page) -> None:
    sign_in(page, client.key, ICON)
    page.route("**/logs?*", lambda route: route.fulfill(status=503, json={"message": "the database is not reachable"}))
    page.goto("/")
    expect(page.get_by_role("alert")).to_have_text("the database is not reachable")
    page.unroute("**/logs?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
