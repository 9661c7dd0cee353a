"""The feed: new requests appear, filters and keys work, and few rows are drawn whatever their number."""

import math
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client, send
from tests.support.documents import call, load_trace, make_document, number, one_token
from tests.support.keys import ADMIN_KEY
from tests.support.proxy import Proxy

HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>\u202e\u0007'


def post(client: Client, request_id: str, **request: Any) -> None:
    mods = [call(0, mod=request["active_mod_name"])] if "active_mod_name" in request else []
    parts = {"final_text": f"answer of {request_id}", **request}
    assert client.ingest(make_document(request_id, number(one_token()), mod_calls=mods, request=parts)).status == 201


def post_many(sql: psycopg.Connection, count: int, of: str = "a") -> None:
    """Store copies of a request, each a second older than the previous one."""
    names = (
        "request_id created_at posted_by model mods final_text total_steps tokens tokens_with_distribution"
        " sampled_tokens sampled_in_top_k scored_tokens forced_tokens discarded_tokens masked_tokens interventions"
        " backtracks sequence_confidence sequence_confidence_is_bound group_confidence"
    )
    made = {
        "request_id": "'copy ' || n",
        "created_at": "created_at - n * interval '1 second'",
        "final_text": "'answer of copy ' || n",
    }
    chosen = ", ".join(made.get(name, name) for name in names.split())
    into = f"insert into requests ({', '.join(names.split())})"
    statement = f"{into} select {chosen} from requests, generate_series(1, %s) n where request_id = %s"
    sql.execute(statement.encode(), [count, of])


def rows(page: Page) -> Locator:
    return page.get_by_role("article")


def texts(page: Page) -> list[str]:
    return page.locator("article .text").all_inner_texts()


def wait_until_live(page: Page) -> None:
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


@pytest.fixture
def feed(client: Client, page: Page) -> Page:
    """A feed of three requests, signed in and live."""
    post(client, "a", model="m1", created_at="2026-01-01T10:00:00Z")
    post(client, "b", model="m2", created_at="2026-01-01T11:00:00Z", active_mod_name="nudge")
    post(client, "c", model="m1", created_at="2026-01-01T12:00:00Z", user_prompt="about foxes")
    sign_in(page, client.key)
    wait_until_live(page)
    return page


def test_an_empty_feed_shows_how_to_post_the_sample_which_then_appears(client: Client, page: Page) -> None:
    sign_in(page, client.key)
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
    (told,) = client.get("/logs").json["data"]
    sign_in(page, client.key)
    row = rows(page).first
    expect(row.get_by_role("link", name=re.compile("^Certainly! Here is"))).to_have_attribute(
        "href", f"/view/{request_id}"
    )
    for text in (told["model_id"], "mod force_prefix", "doubtful", "1 comment", told["user_api_key"]):
        expect(row).to_contain_text(text)
    at_most = math.ceil(told["sequence_confidence"] * 1000) / 10
    expect(row.locator(".confidence .number")).to_have_text(f"≤ {at_most:.1f} %")
    lowest = f"lowest {told['lowest_group_confidence']:.2f} nats"
    expect(row.get_by_role("img", name=re.compile(lowest))).to_be_visible()
    expect(row.locator("time")).to_have_attribute("datetime", told["created_ts"])
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


def test_new_requests_do_not_scroll_the_list(client: Client, sql: psycopg.Connection, page: Page) -> None:
    post(client, "a")
    post_many(sql, 40)
    sign_in(page, client.key)
    wait_until_live(page)
    row = rows(page).filter(has_text="answer of copy 20")
    row.scroll_into_view_if_needed()
    before = row.bounding_box()
    post(client, "d")
    post(client, "e")
    page.get_by_role("button", name="2 new requests").wait_for()
    assert row.bounding_box() == before
    expect(page.get_by_text("answer of e", exact=True)).to_have_count(0)
    page.get_by_role("button", name="2 new requests").click()
    expect(page.get_by_role("link", name="answer of e")).to_be_focused()
    expect(page.get_by_role("link", name="answer of e")).to_be_in_viewport()
    assert texts(page)[:3] == ["answer of e", "answer of d", "answer of a"]
    expect(page.get_by_role("button", name="new request")).to_have_count(0)


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


def test_filters_are_in_the_address_and_back_removes_them(client: Client, feed: Page) -> None:
    feed.get_by_label("Model").fill("m1")
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
    texts = {"Search prompts and answers": "foxes", "Model": "m1", "Mod": "nudge", "Tag": "good", "Favorited by": "ann"}
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
        "q": "foxes", "model": "m1", "mod": "nudge", "tag": "good", "favorited_by": "ann", "min_confidence": "0.29",
        "max_confidence": "0.995", "created_from": "2026-01-01T10:30:00.000Z", "sort": "confidence",
        "created_to": "2026-01-01T11:30:00.000Z", "has_exception": "true", "api_key": user, "collection_id": collection,
    }  # fmt: skip
    expect(feed).to_have_url(re.compile(r"collection_id="))
    assert parse_qs(urlsplit(feed.url).query) == {name: [value] for name, value in wanted.items()}
    assert queries[-1] == {name: [value] for name, value in {**wanted, "limit": "50"}.items()}
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


def test_least_confident_requests_come_first_and_new_ones_wait(client: Client, feed: Page) -> None:
    client.ingest(load_trace("force-prefix"))
    expect(rows(feed)).to_have_count(4)
    feed.get_by_label("Order").select_option("confidence")
    expect(rows(feed).first).to_contain_text("Certainly!")
    wait_until_live(feed)
    post(client, "d")
    feed.get_by_role("button", name="1 new request").click()
    expect(rows(feed)).to_have_count(5)
    expect(rows(feed).first).to_contain_text("Certainly!")


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
    feed.get_by_label("Model").fill("jk")
    expect(feed.get_by_label("Model")).to_have_value("jk")


def test_two_selected_requests_lead_to_their_comparison(feed: Page) -> None:
    feed.keyboard.press("j")
    feed.keyboard.press("x")
    expect(feed.get_by_text("Select another request to compare.")).to_be_visible()
    feed.get_by_role("checkbox", name="Compare: answer of b").check()
    feed.get_by_role("checkbox", name="Compare: answer of a").check()
    expect(feed.get_by_role("checkbox", name="Compare: answer of c")).not_to_be_checked()
    expect(feed.get_by_role("link", name="Compare selected")).to_have_attribute("href", "/compare?a=b&b=a")
    feed.get_by_role("button", name="Clear").click()
    expect(feed.get_by_role("link", name="Compare selected")).to_have_count(0)
    expect(feed.get_by_role("checkbox", checked=True)).to_have_count(0)


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(client: Client, browser: Browser, scheme: Any) -> None:
    for name in ("force-prefix", "plain-capital"):
        client.ingest(load_trace(name))
    client.ingest(make_document("unscored"))
    send(client, "POST", "/logs/unscored/tags", ADMIN_KEY, tag="odd")
    # The policy allows no foreign scripts, such as axe.
    context = browser.new_context(base_url=client.url, bypass_csp=True, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    sign_in(page, client.key)
    wait_until_live(page)
    page.get_by_text("More filters").click()
    page.keyboard.press("Escape")
    rows(page).first.get_by_role("checkbox").check()
    found = Axe().run(page)
    context.close()
    assert found.violations_count == 0, found.generate_report()
