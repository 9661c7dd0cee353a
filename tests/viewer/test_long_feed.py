"""Few rows of a long feed are drawn, and its position is kept."""

import re

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.feed_page import post, post_many, rows, texts, wait_until_live
from tests.support.geometry import find_box


def test_new_requests_do_not_scroll_the_list(client: Client, sql: psycopg.Connection, page: Page) -> None:
    post(client, "a")
    post_many(sql, 40)
    sign_in(page, client.key)
    wait_until_live(page)
    row = rows(page).filter(has_text="answer of copy 20")
    row.scroll_into_view_if_needed()
    before = find_box(row)
    post(client, "d")
    post(client, "e")
    page.get_by_role("button", name="2 new requests").wait_for()
    after = find_box(row)
    assert after["y"] == pytest.approx(before["y"], abs=1)
    page.get_by_role("button", name="2 new requests").click()
    expect(page.get_by_role("link", name="answer of e")).to_be_focused()
    expect(page.get_by_role("link", name="answer of e")).to_be_in_viewport()
    assert texts(page)[:3] == ["answer of e", "answer of d", "answer of a"]
    expect(page.get_by_role("button", name="new request")).to_have_count(0)


def test_thousands_are_loaded_by_cursor_and_few_are_drawn(client: Client, sql: psycopg.Connection, page: Page) -> None:
    post(client, "a")
    post_many(sql, 600)
    sign_in(page, client.key)
    drawn: list[int] = []
    for first in range(50, 601, 50):
        expect(page.get_by_role("link", name=f"answer of copy {first - 1}", exact=True)).to_be_attached()
        page.mouse.wheel(0, 100_000)
        expect(page.get_by_role("link", name=f"answer of copy {first}", exact=True)).to_be_attached()
        drawn.append(rows(page).count())
    expect(page.get_by_role("button", name="Load more")).to_have_count(0)
    assert max(drawn) <= 200
    shown = texts(page)
    assert shown == [f"answer of copy {601 - i}" for i in range(len(shown), 0, -1)], "no request is skipped or repeated"
    page.mouse.wheel(0, -1_000_000)
    expect(page.get_by_role("link", name="answer of a", exact=True)).to_be_visible()


def test_back_returns_to_the_same_position(client: Client, sql: psycopg.Connection, page: Page) -> None:
    post(client, "a")
    post_many(sql, 120)
    sign_in(page, client.key)
    expect(rows(page)).to_have_count(50)
    page.mouse.wheel(0, 100_000)
    link = page.get_by_role("link", name="answer of copy 80", exact=True)
    link.click()
    expect(page).to_have_url(re.compile("/view/"))
    expect(page.get_by_role("article")).to_have_count(0)
    page.go_back()
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()


def test_requests_that_arrived_meanwhile_leave_no_gap(client: Client, sql: psycopg.Connection, page: Page) -> None:
    post(client, "a", created_at="2026-01-01T10:00:00Z")
    sign_in(page, client.key)
    page.get_by_role("link", name="answer of a").click()
    expect(page).to_have_url(re.compile("/view/a$"))
    post(client, "z", created_at="2026-01-02T10:00:00Z")
    post_many(sql, 70, of="z")
    page.go_back()
    page.get_by_role("button", name="50 new requests").click()
    expect(rows(page).first).to_contain_text("answer of z")
    page.mouse.wheel(0, 100_000)
    expect(rows(page).last).to_contain_text("answer of a")
    assert texts(page) == ["answer of z", *(f"answer of copy {n}" for n in range(1, 71)), "answer of a"]
