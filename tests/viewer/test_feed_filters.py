"""The filters of the feed are in its address."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client, send
from tests.support.documents import load_trace, make_document
from tests.support.feed_page import post, rows, texts, wait_until_live
from tests.support.keys import ADMIN_KEY


def test_filters_are_in_the_address_and_back_removes_them(client: Client, feed: Page) -> None:
    feed.get_by_label("Model").select_option("m1")
    feed.get_by_label("Max confidence (%)").fill("70")
    feed.get_by_role("button", name="Apply").click()
    expect(rows(feed)).to_have_count(2)
    assert parse_qs(urlsplit(feed.url).query) == {"model": ["m1"], "max_confidence": ["0.7"]}
    feed.reload()
    expect(rows(feed)).to_have_count(2)
    expect(feed.get_by_label("Model")).to_have_value("m1")
    expect(feed.get_by_label("Max confidence (%)")).to_have_value("70")
    feed.get_by_role("button", name="Reset").click()
    expect(rows(feed)).to_have_count(3)
    assert urlsplit(feed.url).query == ""
    feed.go_back()
    expect(rows(feed)).to_have_count(2)
    wait_until_live(feed)
    post(client, "other", model="m2")
    post(client, "d", model="m1")
    expect(rows(feed).first).to_contain_text("answer of d")
    expect(rows(feed)).to_have_count(3)


@pytest.fixture
def queries(feed: Page) -> list[dict[str, list[str]]]:
    """Collect the queries of GET /logs from now on."""
    asked: list[dict[str, list[str]]] = []

    def note(url: str) -> None:
        if urlsplit(url).path == "/logs":
            asked.append(parse_qs(urlsplit(url).query))

    feed.on("request", lambda request: note(request.url))
    return asked


def test_each_filter_of_the_api_can_be_set(client: Client, feed: Page, queries: list[dict[str, list[str]]]) -> None:
    client.ingest(load_trace("force-prefix"))
    (user,) = [one["api_key"] for one in client.get("/logs/api-keys").json["api_keys"]]
    collection = str(send(client, "POST", "/collections", ADMIN_KEY, name="looked at").json["collection"]["id"])
    feed.get_by_text("More filters").click()
    send(client, "POST", "/logs/b/tags", ADMIN_KEY, tag="good")
    feed.reload()
    feed.get_by_text("More filters").click()
    for label, value in {"Model": "m2", "Mod": "nudge", "Tag": "good", "Source": "quote", "Time": "range"}.items():
        feed.get_by_label(label, exact=True).select_option(value)
    texts = {"Search": "foxes", "Favorited by": "ann", "Group": "g"}
    for label, value in texts.items():
        feed.get_by_label(label, exact=True).fill(value)
    feed.get_by_label("Min confidence (%)").fill("29")
    feed.get_by_label("Max confidence (%)").fill("99.5")
    feed.get_by_label("Created from").fill("2026-01-01T10:30:00")
    feed.get_by_label("Created before").fill("2026-01-01T11:30:00")
    for label, value in {"Order": "confidence", "Exceptions": "true", "User": user, "Collection": collection}.items():
        feed.get_by_label(label, exact=True).select_option(value)
    expect(feed.get_by_role("heading", name="No matching requests")).to_be_visible()
    wanted = {
        "q": "foxes", "model": "m2", "mod": "nudge", "tag": "good", "favorited_by": "ann", "min_confidence": "0.29",
        "max_confidence": "0.995", "created_from": "2026-01-01T10:30:00.000Z", "sort": "confidence",
        "created_to": "2026-01-01T11:30:00.000Z", "has_exception": "true", "api_key": user, "collection_id": collection,
        "source": "quote", "group_id": "g",
    }  # fmt: skip
    expect(feed).to_have_url(re.compile(r"collection_id="))
    assert parse_qs(urlsplit(feed.url).query) == {name: [value] for name, value in wanted.items()}
    assert queries[-1] == {name: [value] for name, value in {**wanted, "limit": "50", "total": "true"}.items()}
    feed.reload()
    expect(feed.get_by_label("Created from")).to_have_value("2026-01-01T10:30")
    expect(feed.get_by_label("User", exact=True)).to_have_value(user)


def test_a_rejected_filter_shows_the_error_of_the_server(client: Client, page: Page) -> None:
    post(client, "a")
    sign_in(page, client.key, "/?collection_id=77")
    expect(page.get_by_role("alert")).to_contain_text("there is no collection 77")
    page.get_by_role("button", name="Reset").click()
    expect(rows(page)).to_have_count(1)


def test_a_mod_or_tag_of_a_row_filters_the_feed(client: Client, feed: Page) -> None:
    feed.get_by_role("link", name="mod nudge").click()
    expect(rows(feed)).to_have_count(1)
    assert parse_qs(urlsplit(feed.url).query) == {"mod": ["nudge"]}
    send(client, "POST", "/logs/b/tags", ADMIN_KEY, tag="good")
    feed.reload()
    feed.get_by_role("link", name="tag good").click()
    expect(feed).to_have_url(re.compile(r"\?mod=nudge&tag=good$"))
    expect(feed.get_by_role("combobox", name="Tag")).to_have_value("good")


def test_least_confident_requests_come_first_and_new_ones_get_their_place(client: Client, feed: Page) -> None:
    feed.set_viewport_size({"width": 1280, "height": 1200})
    client.ingest(load_trace("force-prefix"))
    expect(rows(feed)).to_have_count(4)
    feed.get_by_label("Order").select_option("confidence")
    expect(rows(feed).first).to_contain_text("Certainly!")
    wait_until_live(feed)
    client.ingest(make_document("unscored", request={"final_text": "answer of unscored"}))
    post(client, "d", created_at="2020-01-01T00:00:00Z")
    expect(rows(feed)).to_have_count(6)
    shown = ["answer of a", "answer of b", "answer of c", "answer of d", "answer of unscored"]
    assert texts(feed)[1:] == shown
    expect(feed.get_by_role("button", name="new request")).to_have_count(0)
    expect(feed.get_by_role("button", name="new requests")).to_have_count(0)


def test_a_period_selects_the_last_requests(client: Client, feed: Page, queries: list[dict[str, list[str]]]) -> None:
    post(client, "now", created_at=datetime.now(UTC).isoformat())
    feed.get_by_label("Time", exact=True).select_option("24h")
    expect(feed).to_have_url(re.compile(r"\?period=24h$"))
    expect(rows(feed)).to_have_count(1)
    began = datetime.fromisoformat(queries[-1]["created_from"][0])
    assert timedelta(hours=23) < datetime.now(UTC) - began < timedelta(hours=25)
    feed.reload()
    expect(feed.get_by_label("Time", exact=True)).to_have_value("24h")


def test_values_are_offered_with_their_counts_among_the_other_filters(client: Client, feed: Page) -> None:
    expect(feed.get_by_label("Model").get_by_role("option")).to_have_text(["All models", "m1 (2)", "m2 (1)"])
    expect(feed.get_by_label("Mod", exact=True).get_by_role("option")).to_have_text(["Any", "nudge (1)"])
    feed.get_by_label("Mod", exact=True).select_option("nudge")
    expect(feed.get_by_label("Model").get_by_role("option")).to_have_text(["All models", "m2 (1)"])
    expect(feed.get_by_label("Mod", exact=True).get_by_role("option")).to_have_text(["Any", "nudge (1)"])
    expect(feed.get_by_text("1 request", exact=True)).to_be_visible()
    post(client, "e", active_mod_name="nudge")
    expect(feed.get_by_text("2 requests", exact=True)).to_be_visible()


def test_a_search_by_id_opens_a_single_hit_and_lists_several(client: Client, feed: Page) -> None:
    post(client, "call-1")
    post(client, "call-2")
    feed.get_by_label("Search", exact=True).fill("id:call-")
    feed.keyboard.press("Enter")
    expect(rows(feed)).to_have_count(2)
    feed.get_by_label("Search", exact=True).fill("id:call-2")
    feed.keyboard.press("Enter")
    expect(feed).to_have_url(re.compile("/view/call-2$"))
    feed.go_back()
    expect(rows(feed)).to_have_count(2)
