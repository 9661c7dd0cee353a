"""The page of a collection's link: no key, its requests by their own links, page by page."""

import re
from typing import Any

import psycopg
from playwright.sync_api import Page, expect

from tests.support.axe import assert_accessible
from tests.support.client import Client, send
from tests.support.feed_page import HOSTILE, post, post_many
from tests.support.keys import ADMIN_KEY


def share(client: Client, *request_ids: str, **fields: Any) -> tuple[str, int]:
    """Publish a collection and return its link and number."""
    made = send(client, "POST", "/collections", ADMIN_KEY, **{"name": "looked at", **fields}).json["collection"]["id"]
    for request_id in request_ids:
        send(client, "POST", f"/collections/{made}/requests", ADMIN_KEY, request_id=request_id, notes="a private note")
    return send(client, "POST", f"/collections/{made}/public", ADMIN_KEY).json["public_url"], made


def test_the_page_shows_name_and_description_and_links_to_its_requests(client: Client, page: Page) -> None:
    post(client, "a", model="m1", created_at="2026-01-01T10:00:00Z")
    post(client, "b c", final_text=None)
    post(client, "elsewhere")
    url, _ = share(client, "a", "b c", description="the unsure ones")
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_have_text("looked at")
    expect(page).to_have_title("looked at · Thunder")
    expect(page.get_by_text("the unsure ones")).to_be_visible()
    expect(page.get_by_text("Shared collection of 2 requests")).to_be_visible()
    members = page.get_by_role("listitem")
    expect(members).to_have_count(2)
    expect(members.last).to_contain_text("1 Jan 2026, 10:00:00")
    expect(members.last).to_contain_text("m1")
    expect(page.get_by_role("link", name="(no text)")).to_have_attribute("href", f"{url}/request/b%20c")
    expect(page.get_by_text("elsewhere")).to_have_count(0)
    expect(page.get_by_text("a private note")).to_have_count(0)
    assert_accessible(page)
    page.get_by_role("link", name="answer of a").click()
    expect(page).to_have_url(re.compile(f"{url}/request/a$"))


def test_without_a_key_no_other_view_opens(client: Client, page: Page) -> None:
    post(client, "a")
    page.goto(share(client, "a")[0])
    expect(page.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("navigation")).to_have_count(0)
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
    expect(page.get_by_label("API key")).to_have_count(0)


def test_a_large_collection_has_pages(client: Client, sql: psycopg.Connection, page: Page) -> None:
    post(client, "a")
    post_many(sql, 119)
    url, number = share(client)
    statement = "insert into collection_members (collection_id, request_pk) select %s, id from requests"
    sql.execute(statement, [number])
    page.goto(url)
    expect(page.get_by_role("listitem")).to_have_count(50)
    page.mouse.wheel(0, 100_000)
    expect(page.get_by_role("listitem")).to_have_count(100)
    page.mouse.wheel(0, 100_000)
    expect(page.get_by_role("listitem")).to_have_count(120)
    expect(page.get_by_role("button", name="Load more")).to_have_count(0)
    hrefs = page.get_by_role("listitem").get_by_role("link").evaluate_all("links => links.map(link => link.href)")
    assert len(set(hrefs)) == 120


def test_empty_collections_and_revoked_links_say_so(client: Client, page: Page) -> None:
    url, number = share(client)
    page.goto(url)
    expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
    send(client, "DELETE", f"/collections/{number}/public", ADMIN_KEY)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    expect(page.get_by_role("alert")).to_contain_text("revoked or expired")


def test_its_text_is_shown_as_text(client: Client, page: Page) -> None:
    post(client, "a", final_text=HOSTILE, model=HOSTILE)
    page.goto(share(client, "a", name=HOSTILE, description=HOSTILE)[0])
    expect(page.get_by_role("heading", level=1)).to_contain_text("<script>alert(2)</script>")
    expect(page.get_by_role("listitem")).to_contain_text("<script>alert(2)</script>")
    assert page.locator("main img, main script").count() == 0
