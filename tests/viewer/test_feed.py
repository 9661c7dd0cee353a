"""The rows of the feed, and requests that arrive while it is shown."""

import math
import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.axe import assert_accessible
from tests.support.browser import ICON, hold, sign_in
from tests.support.client import Client, send
from tests.support.documents import action, call, load_trace, make_document, number, one_token
from tests.support.feed_page import HOSTILE, post, rows, texts, wait_until_live
from tests.support.geometry import find_box
from tests.support.keys import ADMIN_KEY
from tests.support.proxy import Proxy


def test_an_empty_feed_shows_how_to_post_the_sample_which_then_appears(client: Client, page: Page) -> None:
    sign_in(page, client.key)
    page.reload()  # the announcements of a page are 5 s apart
    expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
    command = page.locator("pre").inner_text()
    assert "docs/samples/force-prefix.json" in command
    assert f"{client.url}/v1/ingest" in command
    wait_until_live(page)
    client.ingest(load_trace("force-prefix"))
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("new")
    expect(page.get_by_text("No requests yet")).to_have_count(0)
    expect(page.locator("#status")).to_have_text("1 new request.")


def test_a_row_shows_model_confidence_and_counts(client: Client, page: Page) -> None:
    client.ingest(load_trace("force-prefix"))
    request_id = load_trace("force-prefix")["request"]["request_id"]
    assert send(client, "POST", f"/logs/{request_id}/tags", ADMIN_KEY, tag="doubtful").status == 200
    send(client, "POST", f"/logs/{request_id}/discussions", ADMIN_KEY, username="ann", comment="hm")
    (listed,) = client.get("/logs").json["data"]
    sign_in(page, client.key)
    row = rows(page).first
    expect(row.get_by_role("link", name=re.compile("^Certainly! Here is"))).to_have_attribute(
        "href", f"/view/{request_id}"
    )
    texts = (listed["model_id"], "mod force_prefix", "doubtful", "1 comment", listed["user_api_key"], request_id)
    for text in (*texts, "Should I trust this product?", "862 ms", "60", "token limit reached"):
        expect(row).to_contain_text(text)
    at_most = math.ceil(listed["sequence_confidence"] * 1000) / 10
    expect(row.locator(".confidence .number")).to_have_text(f"≤ {at_most:.1f} %")
    lowest = f"lowest {listed['lowest_group_confidence']:.2f} nats"
    expect(row.get_by_role("img", name=re.compile(lowest))).to_be_visible()
    expect(row.locator("time")).to_have_attribute("datetime", listed["created_ts"])
    expect(row).not_to_contain_text("new")


def test_unknown_values_are_not_shown_as_zero(client: Client, page: Page) -> None:
    client.ingest(make_document("unscored"))
    sign_in(page, client.key)
    row = rows(page).first
    expect(row.locator(".confidence .number")).to_have_text("unknown")
    expect(row).to_contain_text("(no text)")
    expect(row.locator("svg")).to_have_count(0)
    expect(row).to_contain_text("Group confidence: unknown")


def test_a_new_request_appears_on_top_and_a_replaced_one_in_its_place(client: Client, feed: Page) -> None:
    post(client, "d")
    expect(rows(feed)).to_have_count(4)
    expect(rows(feed).first).to_contain_text("answer of d")
    expect(rows(feed).first).to_have_class(re.compile("fresh"))
    post(client, "a", final_text="another answer")
    expect(rows(feed).last).to_contain_text("another answer")
    expect(rows(feed).last).to_contain_text("replaced")
    assert texts(feed) == ["answer of d", "answer of c", "answer of b", "another answer"]


def test_the_stream_reconnects_and_misses_nothing(client: Client, browser: Browser) -> None:
    post(client, "a")
    with Proxy(lambda: urlsplit(client.url).port or 0) as proxy:
        # A browser logs each cut connection as an error, so this test does not use the page of the fixture.
        page = browser.new_page(base_url=f"http://127.0.0.1:{proxy.port}")
        sign_in(page, client.key)
        wait_until_live(page)
        proxy.refused = 1
        proxy.cut()
        expect(page.get_by_text("Reconnecting …")).to_be_visible()
        post(client, "d")
        proxy.refused = 0
        wait_until_live(page)
        expect(rows(page)).to_have_count(2)
        expect(rows(page).first).to_contain_text("answer of d")
        page.context.close()


def test_j_k_and_enter_move_through_the_list(feed: Page) -> None:
    feed.keyboard.press("j")
    expect(feed.get_by_role("link", name="answer of c")).to_be_focused()
    feed.keyboard.press("j")
    feed.keyboard.press("j")
    feed.keyboard.press("k")
    expect(feed.get_by_role("link", name="answer of b")).to_be_focused()
    expect(feed.get_by_text("next, previous")).to_be_visible()
    feed.keyboard.press("Enter")
    expect(feed).to_have_url(re.compile("/view/b$"))
    expect(feed).to_have_title(re.compile("Thunder"))
    feed.go_back()
    expect(feed.get_by_role("link", name="answer of b")).to_be_focused()
    feed.get_by_label("Search", exact=True).fill("jk")
    expect(feed.get_by_label("Search", exact=True)).to_have_value("jk")


def test_two_to_four_selected_requests_lead_to_their_comparison(feed: Page) -> None:
    feed.keyboard.press("j")
    feed.keyboard.press("x")
    expect(feed.get_by_text("1 request selected", exact=True)).to_be_visible()
    expect(feed.get_by_role("link", name="Compare selected")).to_have_count(0)
    feed.get_by_role("checkbox", name="Select: answer of b").check()
    expect(feed.get_by_role("link", name="Compare selected")).to_have_attribute("href", "/compare?a=c&b=b")
    feed.get_by_role("checkbox", name="Select: answer of c").uncheck()
    feed.get_by_role("checkbox", name="Select: answer of b").uncheck()
    feed.get_by_role("checkbox", name="Select: answer of a").click()
    feed.get_by_role("checkbox", name="Select: answer of c").click(modifiers=["Shift"])
    expect(feed.get_by_text("3 requests selected", exact=True)).to_be_visible()
    expect(feed.get_by_role("link", name="Compare selected")).to_have_attribute("href", "/compare?a=a&b=c&c=b")
    feed.get_by_role("button", name="Clear").click()
    expect(feed.get_by_role("link", name="Compare selected")).to_have_count(0)
    expect(feed.get_by_role("checkbox", checked=True)).to_have_count(0)


def test_a_revoked_key_leads_to_the_sign_in(client: Client, page: Page) -> None:
    made = send(client, "POST", "/auth/keys", ADMIN_KEY, name="viewer", is_admin=True).json
    sign_in(page, made["api_key"])
    wait_until_live(page)
    send(client, "DELETE", "/auth/keys", ADMIN_KEY, id=made["id"])
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_text_of_a_trace_is_shown_as_text(client: Client, page: Page) -> None:
    fields = dict.fromkeys(("model", "user_prompt", "final_text", "active_mod_name"), HOSTILE)
    client.ingest(make_document("<b>r<script>", number(one_token()), request=fields))
    send(client, "POST", "/logs/%3Cb%3Er%3Cscript%3E/tags", ADMIN_KEY, tag=HOSTILE)
    sign_in(page, client.key)
    expect(rows(page).first).to_contain_text("<script>alert(2)</script>")
    assert page.locator("article img, article script, article b").count() == 0


def test_axe_finds_nothing(client: Client, page: Page) -> None:
    for name in ("force-prefix", "plain-capital"):
        client.ingest(load_trace(name))
    client.ingest(make_document("unscored"))
    send(client, "POST", "/logs/unscored/tags", ADMIN_KEY, tag="odd")
    sign_in(page, client.key)
    wait_until_live(page)
    page.get_by_text("More filters").click()
    page.keyboard.press("Escape")
    rows(page).first.get_by_role("checkbox").check()
    page.get_by_text("Columns", exact=True).click()
    expect(page.get_by_label("Density")).to_be_visible()
    assert_accessible(page)


def test_badges_show_exceptions_errors_and_outcomes(client: Client, page: Page) -> None:
    calls = [call(0, mod="guard", exception_occurred=True)]
    ends = make_document(
        "r", number(one_token()), mod_calls=calls, actions=[action("EmitError")], request={"final_text": "hm"}
    )
    client.ingest(ends)
    post(client, "s", created_at=100)
    send(client, "POST", "/logs/r/outcome", ADMIN_KEY, correct=False)
    send(client, "POST", "/logs/s/outcome", ADMIN_KEY, correct=True)
    sign_in(page, client.key)
    expect(rows(page).first.locator(".badge")).to_have_text(["exception", "ended with an error", "\u2717 incorrect"])
    expect(rows(page).last.locator(".badge")).to_have_text(["\u2713 correct"])


def test_the_empty_state_says_why_it_is_empty(client: Client, page: Page) -> None:
    made = send(client, "POST", "/auth/keys", ADMIN_KEY, name="lonely", scopes=["read"]).json
    sign_in(page, made["api_key"])
    expect(page.get_by_role("heading", name="This key sees no requests")).to_be_visible()
    expect(page.get_by_text("The key “lonely” is not bound to a user")).to_be_visible()
    sign_in(page, client.key, "/?q=nothing")
    expect(page.get_by_role("heading", name="No matching requests")).to_be_visible()
    page.get_by_role("link", name="Show all requests").click()
    expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()


def test_rows_that_load_have_their_place_before(client: Client, page: Page) -> None:
    post(client, "a", user_prompt="about foxes")
    sign_in(page, client.key, ICON)
    held = hold(page, "**/logs?*")
    page.goto("/")
    skeleton = page.locator(".skeleton").first
    expect(skeleton).to_be_visible()
    before = find_box(skeleton)
    held[0].continue_()
    expect(rows(page)).to_have_count(1)
    expect(page.locator(".skeleton")).to_have_count(0)
    after = find_box(rows(page).first)
    assert after["height"] == pytest.approx(before["height"], abs=4)
    assert after["x"] == before["x"]
