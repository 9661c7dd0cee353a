"""The columns, the density, the saved views and the time zone of the feed, and its geometry."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.feed_page import post, rows, wait_until_live
from tests.support.geometry import find_box, resized, wait_until_it_fits
from tests.support.hostile import NOTHING_RAN, make_hostile
from tests.viewer.conftest import OpenPage

LONG = "a-model-with-a-very-long-name-" * 7


def test_columns_and_density_are_in_the_address(feed: Page) -> None:
    row = rows(feed).first
    feed.get_by_text("Columns", exact=True).click()
    for label in ("Latency", "Prompt", "Id"):
        feed.get_by_role("checkbox", name=label, exact=True).uncheck()
    feed.get_by_label("Density").select_option("compact")
    expect(row.locator("[data-part=latency]")).to_be_hidden()
    expect(row.locator("[data-part=prompt]")).to_be_hidden()
    expect(row.locator("[data-part=tokens]")).to_be_visible()
    query = parse_qs(urlsplit(feed.url).query)
    assert query["density"] == ["compact"]
    assert not {"latency", "prompt", "id"} & set(query["columns"][0].split(","))
    feed.reload()
    expect(row.locator("[data-part=latency]")).to_be_hidden()
    feed.get_by_role("link", name="mod nudge").click()
    expect(rows(feed)).to_have_count(1)
    assert parse_qs(urlsplit(feed.url).query) == {**query, "mod": ["nudge"]}


def test_a_view_is_saved_by_name_and_opened_again(feed: Page) -> None:
    feed.get_by_label("Model").select_option("m2")
    expect(rows(feed)).to_have_count(1)
    feed.get_by_text("Views", exact=True).click()
    feed.get_by_label("Save this view as").fill("only <b>m2")
    feed.get_by_role("button", name="Save").click()
    expect(feed.get_by_role("link", name="only <b>m2")).to_be_visible()
    feed.keyboard.press("Escape")
    expect(feed.get_by_role("link", name="only <b>m2")).to_have_count(0)
    feed.get_by_role("button", name="Reset").click()
    expect(rows(feed)).to_have_count(3)
    feed.reload()
    feed.get_by_text("Views", exact=True).click()
    feed.get_by_role("link", name="only <b>m2").click()
    expect(rows(feed)).to_have_count(1)
    expect(feed).to_have_url(re.compile(r"\?model=m2$"))
    feed.get_by_text("Views", exact=True).click()
    feed.get_by_role("button", name="Remove the view only <b>m2").click()
    expect(feed.get_by_text("No saved views")).to_be_visible()
    assert feed.evaluate("localStorage.length") == 0


def test_one_time_zone_is_shown_and_can_be_switched(client: Client, open_page: OpenPage) -> None:
    post(client, "a", created_at="2026-07-01T22:30:00Z")
    page = open_page(timezone_id="Asia/Kolkata")
    sign_in(page, client.key)
    time = rows(page).first.locator("time")
    expect(time).to_have_attribute("title", "1 Jul 2026, 22:30:00")
    page.get_by_role("button", name="Time zone: UTC", exact=True).click()
    expect(page.get_by_role("button", name="Time zone: UTC+05:30")).to_be_visible()
    expect(time).to_have_attribute("title", "2 Jul 2026, 04:00:00")
    page.goto("/?created_from=2026-07-01T22:00:00Z")
    expect(page.get_by_label("Created from")).to_have_value("2026-07-02T03:30")
    page.get_by_label("Created before").fill("2026-07-02T04:30:00")
    expect(page).to_have_url(re.compile("created_to=2026-07-01T23%3A00%3A00.000Z"))
    expect(rows(page)).to_have_count(1)
    page.goto("/view/a")
    expect(page.locator("main time").first).to_have_text("2 Jul 2026, 04:00:00")


def test_nothing_is_cut_off_or_wider_than_the_window(client: Client, page: Page) -> None:
    client.ingest(make_hostile("r"))
    post(client, "long", model=LONG, user_prompt="x" * 300, final_text="y" * 600, active_mod_name=LONG[:200])
    for address in ("/", "/?density=compact"):
        sign_in(page, client.key, address)
        wait_until_live(page)
        expect(rows(page)).to_have_count(2)
        assert page.evaluate(NOTHING_RAN)
        for width in resized(page):
            wait_until_it_fits(page)
            for row in rows(page).all():
                check_row(row.evaluate(PARTS), width)
    for width in resized(page):
        for menu in ("admin", "Columns", "Views", "Export"):
            page.get_by_text(menu, exact=True).click()
            box = find_box(page.locator(".drop[open] .panel"))
            assert 0 <= box["x"] <= box["x"] + box["width"] <= width, menu
            page.keyboard.press("Escape")


def test_on_a_narrow_screen_the_filters_make_room_for_the_rows(feed: Page) -> None:
    feed.set_viewport_size({"width": 400, "height": 700})
    expect(rows(feed).first).to_be_in_viewport(ratio=1)
    expect(feed.get_by_label("Search", exact=True)).to_be_visible()
    expect(feed.get_by_label("Model")).to_be_hidden()
    feed.get_by_role("button", name="Filters and order", exact=True).click()
    feed.get_by_label("Model").select_option("m1")
    expect(rows(feed)).to_have_count(2)
    feed.get_by_role("button", name="Filters and order (1)").click()
    expect(feed.get_by_label("Model")).to_be_hidden()
    # A wrong value is not hidden from the person who must correct it.
    feed.goto("/?max_confidence=7")
    feed.get_by_label("Search", exact=True).press("Enter")
    expect(feed.get_by_label("Max confidence (%)")).to_be_visible()
    feed.set_viewport_size({"width": 1280, "height": 700})
    expect(feed.get_by_role("button", name="Filters and order")).to_be_hidden()


PARTS = """row => [...row.querySelectorAll("time, .amount, .course, .confidence, .text")].map(part => {
    const { left, right, top, bottom } = part.getBoundingClientRect()
    const name = part.className || part.localName
    return { name, left, right, top, bottom, needed: part.scrollWidth, has: part.clientWidth }
})"""


def check_row(parts: list[dict[str, Any]], width: int) -> None:
    """Assert that the parts of a row are inside the window, that none is cut off, and that they don't overlap."""
    for part in parts:
        assert 0 <= part["left"] <= part["right"] <= width, part
        assert part["needed"] <= part["has"] + 1, f"cut off: {part}"
    for i, one in enumerate(parts):
        for other in parts[i + 1 :]:
            apart = one["right"] <= other["left"] + 1 or other["right"] <= one["left"] + 1
            assert apart or one["bottom"] <= other["top"] + 1 or other["bottom"] <= one["top"] + 1, (one, other)
