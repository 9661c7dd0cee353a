"""Actions on selected requests, and the export of filtered requests."""

import csv
import io
import json
from pathlib import Path

import psycopg
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client, make_key, send
from tests.support.feed_page import post, post_many, rows, wait_until_live
from tests.support.keys import ADMIN_KEY


def choose(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("checkbox", name=f"Select: answer of {name}").check()


def selection(page: Page) -> Locator:
    return page.get_by_role("region", name="Selected requests")


def test_selected_requests_are_tagged(client: Client, feed: Page) -> None:
    send(client, "POST", "/logs/a/tags", ADMIN_KEY, tag="<i>odd")
    feed.reload()
    choose(feed, "a", "b")
    feed.get_by_role("button", name="Tag …").click()
    selection(feed).get_by_label("Tag", exact=True).fill("<i>odd")
    feed.get_by_role("button", name="Add", exact=True).click()
    expect(feed.get_by_text("Tagged “<i>odd”: 2 requests.")).to_be_visible()
    expect(rows(feed).get_by_role("link", name="tag <i>odd")).to_have_count(2)
    assert [client.log(name)["tags"] for name in "abc"] == [["<i>odd"], ["<i>odd"], []]
    feed.get_by_role("button", name="Undo").click()
    expect(feed.get_by_text("Removed “<i>odd”: 1 request.")).to_be_visible()
    assert [client.log(name)["tags"] for name in "abc"] == [["<i>odd"], [], []]


def test_selected_requests_are_added_to_a_new_or_existing_collection(client: Client, feed: Page) -> None:
    choose(feed, "a", "c")
    feed.get_by_role("button", name="Add to collection …").click()
    expect(selection(feed).get_by_role("combobox")).to_be_focused()
    feed.keyboard.press("Escape")
    expect(feed.get_by_role("button", name="Add to collection …")).to_be_focused()
    feed.keyboard.press("Enter")
    feed.get_by_label("Name of the new collection").fill(" ")
    feed.get_by_role("button", name="Add", exact=True).click()
    expect(selection(feed).get_by_role("alert")).to_contain_text("name")
    feed.get_by_label("Name of the new collection").fill("odd ones")
    feed.get_by_role("button", name="Add", exact=True).click()
    expect(feed.get_by_text("Added to “odd ones”: 2 requests.")).to_be_visible()
    choose(feed, "b")
    feed.get_by_role("button", name="Add to collection …").click()
    selection(feed).get_by_label("Collection", exact=True).select_option(label="odd ones")
    feed.get_by_role("button", name="Add", exact=True).click()
    expect(feed.get_by_text("Added to “odd ones”: 3 requests.")).to_be_visible()
    (collection,) = send(client, "GET", "/collections", ADMIN_KEY).json["collections"]
    assert (collection["name"], collection["request_count"]) == ("odd ones", 3)


def test_selected_requests_are_deleted_with_receipts(client: Client, feed: Page) -> None:
    assert send(client, "PUT", "/logs/b/hold", ADMIN_KEY, reason="a case").status == 200
    feed.get_by_role("checkbox", name="Select all loaded requests").check()
    feed.get_by_role("button", name="Delete …").click()
    expect(feed.get_by_text("Delete 3 requests and all their data?")).to_be_visible()
    feed.get_by_role("button", name="Cancel").click()
    expect(rows(feed)).to_have_count(3)
    feed.get_by_role("button", name="Delete …").click()
    feed.get_by_role("button", name="Delete permanently").click()
    expect(rows(feed)).to_have_count(1)
    expect(feed.get_by_role("alert")).to_contain_text("b: request_id: on legal hold")
    expect(feed.get_by_text("1 request", exact=True)).to_be_visible()
    receipts = send(client, "GET", "/v1/deletions", ADMIN_KEY).json["deletions"]
    shown = feed.get_by_role("region", name="Receipts").locator("tbody tr")
    expect(shown).to_have_count(2)
    for receipt in receipts:
        expect(shown.filter(has_text=receipt["request_sha256"])).to_have_count(1)
    assert [client.get(f"/logs/{name}").status for name in "abc"] == [404, 200, 404]


def test_the_end_of_the_session_leads_to_the_form(client: Client, feed: Page) -> None:
    key = make_key(client, name="k", is_admin=True)
    sign_in(feed, key["api_key"])
    feed.route("**/logs/stream*", lambda route: route.fulfill(status=503))
    feed.reload()
    choose(feed, "a")
    feed.keyboard.press("a")
    expect(selection(feed).get_by_role("button", name="Tag …")).to_be_focused()
    feed.keyboard.press("Enter")
    feed.keyboard.type("odd")
    assert send(client, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"]).status == 200
    feed.keyboard.press("Enter")
    expect(feed.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_key_that_may_not_delete_sees_why(client: Client, page: Page) -> None:
    post(client, "a", user_api_key="key-of-ann-0123456789")
    made = send(
        client, "POST", "/auth/keys", ADMIN_KEY, name="k", scopes=["read"], allowed_api_key="key-of-ann-0123456789"
    ).json
    sign_in(page, made["api_key"])
    choose(page, "a")
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_role("alert")).to_contain_text("a: ")
    expect(rows(page)).to_have_count(1)


def save(page: Page, name: str) -> bytes:
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_bytes()


def test_the_result_of_the_filters_is_exported(client: Client, sql: psycopg.Connection, page: Page) -> None:
    post(client, "a", model="m1", user_prompt='a\n"quoted", prompt')
    post_many(sql, 150)
    post(client, "other", model="m2")
    sign_in(page, client.key, "/?model=m1")
    wait_until_live(page)
    lines = [json.loads(line) for line in save(page, "JSONL").splitlines()]
    assert [line["request_id"] for line in lines] == ["a", *(f"copy {n}" for n in range(1, 151))]
    page.keyboard.press("Escape")
    table = list(csv.DictReader(io.StringIO(save(page, "CSV").decode(), newline="")))
    assert [row["request_id"] for row in table] == [line["request_id"] for line in lines]
    assert (table[0]["prompt"], table[0]["model_id"]) == (lines[0]["prompt"], "m1")
    assert float(table[0]["sequence_confidence"]) == lines[0]["sequence_confidence"]


def test_no_cell_is_a_formula(client: Client, page: Page) -> None:
    formulas = ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "\t=1", " =1", '=HYPERLINK("x")']
    for place, text in enumerate(formulas):
        post(client, str(place), final_text=text, model=text, created_at=100 - place)
    sign_in(page, client.key)
    wait_until_live(page)
    table = list(csv.DictReader(io.StringIO(save(page, "CSV").decode(), newline="")))
    escaped = [f"'{text}" for text in formulas]
    assert [row["final_text"] for row in table] == [row["model_id"] for row in table] == escaped
