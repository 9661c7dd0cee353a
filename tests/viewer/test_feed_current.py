"""The feed after a visit to a request: the order of its neighbors, and rows that people changed in the meantime."""

import re

from playwright.sync_api import Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client, send
from tests.support.documents import added, forward, make_document, number, sampled
from tests.support.feed_page import post, rows, texts, wait_until_live
from tests.support.keys import ADMIN_KEY
from tests.viewer.conftest import OpenPage


def post_sure(client: Client, name: str, logprob: float, **request: object) -> None:
    """Post a request whose only token has this log-probability."""
    events = number([forward([{"token": 5, "logprob": logprob, "token_str": "five"}]), sampled(), added(5)])
    parts = {"final_text": f"answer of {name}", **request}
    assert client.ingest(make_document(name, events, request=parts)).status == 201


def test_the_keys_follow_the_order_and_the_filters_of_the_feed(client: Client, page: Page) -> None:
    for name, logprob, model in (("a", -1, "m"), ("b", -4, "m"), ("c", -3, "n"), ("d", -2, "m")):
        post_sure(client, name, logprob, model=model)
    sign_in(page, client.key, "/?model=m&sort=confidence")
    expect(rows(page)).to_have_count(3)
    page.get_by_role("link", name="answer of d").click()
    expect(page.get_by_role("link", name="Previous")).to_have_attribute("href", "/view/b")
    expect(page.get_by_role("link", name="Next")).to_have_attribute("href", "/view/a")
    page.keyboard.press("k")
    expect(page.get_by_role("heading", level=1)).to_have_text("b")
    expect(page.get_by_role("link", name="Previous")).to_have_count(0)
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_have_text("d")
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_have_text("a")
    expect(page.get_by_role("link", name="Next")).to_have_count(0)
    # A request that the feed does not list has the neighbors of all requests.
    page.goto("/view/c")
    expect(page.get_by_role("link", name="Older")).to_have_attribute("href", "/view/b")


def test_the_keys_go_on_after_the_loaded_rows(client: Client, page: Page) -> None:
    for position in range(51):
        post(client, f"r{position}", created_at=position)
    sign_in(page, client.key)
    wait_until_live(page)
    page.route("**/logs?*cursor=*", lambda route: route.fulfill(status=503, json={}))
    page.get_by_text("answer of r1", exact=True).click()
    expect(page.get_by_role("link", name="Newer")).to_have_attribute("href", "/view/r2")
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    page.unroute("**/logs?*cursor=*")
    page.keyboard.press("k")
    expect(page.get_by_role("heading", level=1)).to_have_text("r2")
    for name in ("r1", "r0"):
        expect(page.get_by_role("link", name="Older")).to_be_visible()
        page.keyboard.press("j")
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.get_by_role("link", name="Newer")).to_be_visible()
    expect(page.get_by_role("link", name="Older")).to_have_count(0)


def test_rows_show_what_people_changed_and_deleted(client: Client, feed: Page) -> None:
    send(client, "POST", "/logs/a/tags", ADMIN_KEY, tag="odd")
    send(client, "POST", "/logs/b/outcome", ADMIN_KEY, correct=True)
    send(client, "POST", "/logs/a/discussions", ADMIN_KEY, username="ann", comment="hm")
    expect(rows(feed).last).not_to_contain_text("odd")
    feed.evaluate("dispatchEvent(new Event('focus'))")
    expect(rows(feed).last.locator(".tag")).to_have_text("odd")
    expect(rows(feed).last).to_contain_text("1 comment")
    expect(rows(feed).nth(1).locator(".badge")).to_have_text("✓ correct")
    feed.get_by_role("checkbox", name="Select: answer of b").check()
    assert send(client, "DELETE", "/logs/b", ADMIN_KEY).status == 200
    feed.evaluate("dispatchEvent(new Event('focus'))")
    expect(rows(feed)).to_have_count(2)
    assert texts(feed) == ["answer of c", "answer of a"]
    expect(feed.get_by_text("2 requests", exact=True)).to_be_visible()
    expect(feed.get_by_text("1 request selected", exact=True)).to_be_hidden()
    # Someone who uses the page sees changes without leaving it.
    send(client, "DELETE", "/logs/a/tags", ADMIN_KEY, tag="odd")
    feed.mouse.move(300, 300)
    expect(rows(feed).last.locator(".tag")).to_have_count(0)


def test_a_request_that_no_longer_passes_the_filters_leaves_the_list(client: Client, page: Page) -> None:
    for name in ("a", "b"):
        post_sure(client, name, -1)
        send(client, "POST", f"/logs/{name}/tags", ADMIN_KEY, tag="odd")
    sign_in(page, client.key, "/?tag=odd&sort=confidence")
    expect(rows(page)).to_have_count(2)
    send(client, "DELETE", "/logs/a/tags", ADMIN_KEY, tag="odd")
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(rows(page)).to_have_count(1)
    send(client, "DELETE", "/logs/b/tags", ADMIN_KEY, tag="odd")
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_role("heading", name="No matching requests")).to_be_visible()


def test_a_page_that_nobody_uses_sends_nothing(client: Client, open_page: OpenPage) -> None:
    for name in "abc":
        post(client, name)
    feed, sent = open_page(), list[str]()
    feed.on("request", lambda request: sent.append(request.url))
    feed.clock.install()
    sign_in(feed, client.key)
    wait_until_live(feed)
    feed.clock.run_for(65_000)
    expect(rows(feed)).to_have_count(3)
    sent.clear()
    feed.clock.run_for(30_000)
    feed.evaluate("fetch('/livez').then(() => null)")  # an earlier call would be in the list now
    assert not [url for url in sent if re.search(r"/logs\?", url)]
    with feed.expect_request(re.compile(r"/logs\?")):
        feed.keyboard.press("Shift")
        feed.clock.run_for(5_000)


def test_the_total_is_shown_after_going_back(client: Client, feed: Page) -> None:
    send(client, "POST", "/logs/b/tags", ADMIN_KEY, tag="odd")
    feed.get_by_role("link", name="answer of b").click()
    expect(feed.get_by_role("heading", level=1)).to_have_text("b")
    feed.go_back()
    expect(feed.get_by_text("3 requests", exact=True)).to_be_visible()
    expect(rows(feed).nth(1).locator(".tag")).to_have_text("odd")
