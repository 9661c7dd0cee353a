"""New requests appear at their place in the order, and a hint shows those outside the window."""

import psycopg
from playwright.sync_api import Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.feed_page import post, post_many, rows, texts, wait_until_live
from tests.support.geometry import find_box


def test_a_request_that_began_earlier_appears_below(client: Client, feed: Page) -> None:
    post(client, "between", created_at="2026-01-01T11:30:00Z")
    post(client, "oldest", created_at="2026-01-01T09:00:00.000001Z")
    post(client, "older", created_at="2026-01-01T09:00:00.5Z")
    expect(rows(feed)).to_have_count(6)
    shown = ["answer of c", "answer of between", "answer of b", "answer of a", "answer of older", "answer of oldest"]
    assert texts(feed) == shown
    feed.reload()
    expect(rows(feed)).to_have_count(6)
    assert texts(feed) == shown, "the server has the same order"


def test_a_hint_counts_requests_outside_the_window_and_leads_there(
    client: Client, sql: psycopg.Connection, page: Page
) -> None:
    post(client, "a", created_at="2026-01-01T10:00:00Z")
    post_many(sql, 40)
    sign_in(page, client.key)
    wait_until_live(page)
    first = rows(page).first
    before = find_box(first)
    for second in (33, 34, 35):
        post(client, f"below {second}", created_at=f"2026-01-01T09:59:{60 - second}.5Z")
    page.get_by_role("button", name="3 new requests").click()
    link = page.get_by_role("link", name="answer of below 33")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    expect(page.get_by_role("button", name="new requests")).to_have_count(0)
    page.mouse.wheel(0, -100_000)
    expect(page.get_by_role("link", name="answer of a", exact=True)).to_be_in_viewport()
    after = find_box(first)
    assert abs(after["y"] - before["y"]) <= 1


def test_a_request_after_the_loaded_rows_is_counted_and_loaded_with_them(
    client: Client, sql: psycopg.Connection, page: Page
) -> None:
    post(client, "a", created_at="2026-01-01T10:00:00Z")
    post_many(sql, 60)
    sign_in(page, client.key)
    wait_until_live(page)
    expect(page.get_by_text("61 requests", exact=True)).to_be_visible()
    post(client, "last", created_at="2026-01-01T09:00:00Z")
    expect(page.get_by_text("62 requests", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="1 new request")).to_be_visible()
    page.get_by_role("button", name="Load more").click()
    expect(page.get_by_role("link", name="answer of last")).to_be_attached()
    assert texts(page) == ["answer of a", *(f"answer of copy {n}" for n in range(1, 61)), "answer of last"]


def test_a_new_request_does_not_move_the_row_with_the_focus(client: Client, feed: Page) -> None:
    feed.set_viewport_size({"width": 1280, "height": 420})
    feed.keyboard.press("j")
    feed.keyboard.press("j")
    row = rows(feed).filter(has_text="answer of b")
    before = find_box(row)
    post(client, "d", created_at="2026-01-01T13:00:00Z")
    expect(rows(feed)).to_have_count(4)
    after = find_box(row)
    assert abs(after["y"] - before["y"]) <= 1
