"""Outages of the server: the stream and a failed page reconnect automatically."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.browser import sign_in
from tests.support.databases import Databases
from tests.support.feed_page import post
from tests.support.processes import Server, served

RETURN_MS = 30_000
"""The page returns 5 s after the server at the latest; a busy machine takes longer."""


@pytest.fixture(scope="module")
def server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    url = databases.create("outage")
    with served(tmp_path_factory.mktemp("outage") / "log", url) as server:
        yield server
    databases.drop("outage")


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Page]:
    with browser.new_context(base_url=server.client.url) as context:
        yield context.new_page()


def test_the_feed_is_live_again_when_the_server_is_back(server: Server, tab: Page) -> None:
    post(server.client, "before")
    sign_in(tab, server.client.key)
    live = tab.get_by_text("Live", exact=True)
    expect(live).to_be_visible()
    for name in ("one", "two"):
        server.kill()
        expect(tab.get_by_text("Reconnecting …")).to_be_visible()
        server.start()
        expect(live).to_be_visible(timeout=RETURN_MS)
        post(server.client, name)
        expect(tab.get_by_role("article")).to_have_count({"one": 2, "two": 3}[name])


def test_a_page_that_failed_opens_when_the_server_is_back(server: Server, tab: Page) -> None:
    post(server.client, "later")
    sign_in(tab, server.client.key)
    expect(tab.get_by_role("heading", level=1, name="Requests")).to_be_visible()
    expect(tab.get_by_role("link", name="later").first).to_be_visible()
    server.kill()
    tab.get_by_role("link", name="later").first.click()
    expect(tab.get_by_role("alert")).to_contain_text("can't be reached")
    expect(tab.get_by_text("opens automatically")).to_be_visible()
    server.start()
    expect(tab.get_by_role("heading", level=1, name="later")).to_be_visible(timeout=RETURN_MS)


def test_the_feed_is_live_again_after_a_restore(server: Server, tab: Page) -> None:
    sent: list[str | None] = []

    def answer(route: Route) -> None:
        sent.append(route.request.headers.get("last-event-id"))
        if len(sent) == 1:
            route.fulfill(content_type="text/event-stream", body="id: 1:9000000000:\n\n")
            return
        if len(sent) == 3:
            post(server.client, "stored-meanwhile")
        route.continue_()

    tab.route("**/logs/stream*", answer)
    sign_in(tab, server.client.key)
    expect(tab.get_by_role("link", name="stored-meanwhile")).to_be_visible(timeout=RETURN_MS)
    expect(tab.get_by_text("Live", exact=True)).to_be_visible()
    assert sent == [None, "1:9000000000:", None]
