"""Tags, favorites, comments, collections and share links in the trace view."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.axe import assert_accessible
from tests.support.browser import sign_in
from tests.support.client import Client, make_key, send
from tests.support.documents import load_trace, make_document, number, one_token
from tests.support.hostile import MARKUP, NOTHING_RAN
from tests.support.trace_page import options


@pytest.fixture
def panel(client: Client, page: Page) -> Page:
    """The page of a request, signed in."""
    assert client.ingest(make_document("r1", number(one_token()))).status == 201
    sign_in(page, client.key, "/view/r1")
    return page


def test_a_tag_is_added_and_removed(client: Client, panel: Page) -> None:
    panel.get_by_role("tab", name="Tags and favorites").click()
    panel.get_by_label("New tag").fill(MARKUP)
    panel.get_by_role("button", name="Add tag").click()
    expect(panel.locator(".chips .tag").first).to_contain_text(MARKUP)
    assert client.get("/logs/r1/tags").json["tags"] == [MARKUP]
    panel.get_by_role("button", name="Add to favorites").click()
    expect(panel.locator(".chips .tag")).to_have_count(2)
    for left in (1, 0):
        panel.get_by_role("button", name="Remove ").first.click()
        expect(panel.get_by_role("button", name="Remove ")).to_have_count(left)
    assert client.get("/logs/r1/tags").json["tags"] == client.get("/logs/r1/favorite").json["favorited_by"] == []


def test_a_comment_is_written_edited_and_deleted(client: Client, panel: Page) -> None:
    panel.get_by_role("tab", name="Comments").click()
    expect(panel.get_by_text("No comments yet.")).to_be_visible()
    panel.get_by_label("Name").fill("ann")
    panel.get_by_label("Comment", exact=True).fill(f"Unsure {MARKUP}\nfrom the first word on.")
    panel.get_by_role("button", name="Add comment").click()
    expect(panel.locator(".comment .words")).to_contain_text(MARKUP)
    assert panel.evaluate(NOTHING_RAN)
    panel.get_by_role("button", name="Edit").click()
    panel.get_by_label("Edit comment").fill("Sure after all.")
    panel.get_by_role("button", name="Save").click()
    expect(panel.locator(".comment")).to_contain_text("edited")
    assert client.get("/logs/r1/discussions").json["discussions"][0]["comment"] == "Sure after all."
    panel.get_by_role("button", name="Edit").click()
    panel.keyboard.press("Escape")
    expect(panel.get_by_role("button", name="Edit")).to_be_focused()
    panel.get_by_role("button", name="Delete comment").click()
    assert client.get("/logs/r1/discussions").json["total"] == 1, "the first click only asks"
    panel.get_by_role("button", name="Confirm delete comment").click()
    expect(panel.get_by_text("No comments yet.")).to_be_visible()


def test_a_collection_is_created_left_and_joined(client: Client, panel: Page) -> None:
    panel.get_by_role("tab", name="Collections").click()
    panel.get_by_label("New collection").fill("weak ones")
    panel.get_by_role("button", name="Create and add").click()
    expect(panel.get_by_role("link", name="weak ones")).to_be_visible()
    panel.get_by_role("button", name="Remove from weak ones").click()
    expect(panel.get_by_text("Not in any of your collections.")).to_be_visible()
    panel.get_by_label("Add to").select_option("weak ones")
    panel.get_by_role("button", name="Add", exact=True).click()
    expect(panel.get_by_role("link", name="weak ones")).to_be_visible()
    assert len(client.get("/logs/r1/collections").json["collections"]) == 1


def test_the_end_of_the_session_leads_from_a_tab_to_the_form(client: Client, panel: Page) -> None:
    key = make_key(client, name="k", is_admin=True)
    sign_in(panel, key["api_key"], "/view/r1")
    for tab, name, button in (("Tags", "New tag", "Add tag"), ("Comments", "Comment", "Add comment")):
        panel.get_by_role("tab", name=tab).click()
        panel.get_by_role("textbox", name=name).fill("odd")
        if tab == "Comments":
            assert send(client, "DELETE", "/auth/keys", client.key, id=key["id"]).status == 200
        panel.get_by_role("button", name=button).click()
    expect(panel.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(panel.get_by_role("alert")).to_contain_text("send a live key")


def test_the_error_of_the_server_is_shown(panel: Page) -> None:
    panel.get_by_role("tab", name="Collections").click()
    panel.get_by_label("New collection").fill(" ")
    panel.get_by_role("button", name="Create and add").click()
    expect(panel.get_by_role("alert")).to_have_text(re.compile("name"))


def test_a_link_works_without_a_key_until_it_is_revoked(client: Client, page: Page, browser: Browser) -> None:
    assert client.ingest(load_trace("force-prefix")).status == 201
    sign_in(page, client.key, "/view/smollm2-force-prefix")
    page.get_by_role("tab", name="Share").click()
    page.get_by_role("button", name="Create link").click()
    link = page.get_by_label("Link", exact=True).input_value()
    with browser.new_context() as context:
        stranger = context.new_page()
        stranger.goto(link)
        expect(options(stranger)).to_have_count(60)
        expect(stranger.get_by_role("tab")).to_have_count(4)
        expect(stranger.get_by_text("qu…#")).to_have_count(0)
        stranger.get_by_role("tab", name="Raw JSON").click()
        expect(stranger.locator(".json")).to_be_visible()
        assert_accessible(stranger)
        page.get_by_role("button", name="Revoke link").click()
        page.get_by_role("button", name="Confirm revoke link").click()
        expect(page.get_by_text("Not shared: only users with access can read this request.")).to_be_visible()
        stranger.reload()
        expect(stranger.get_by_role("alert")).to_be_visible()


def test_the_id_of_a_public_request_opens_it(client: Client, page: Page) -> None:
    assert client.ingest(make_document("r1", number(one_token()))).status == 201
    page.goto("/view/r1")
    expect(page.get_by_label("API key")).to_be_visible()
    answer = client.request("POST", "/logs/r1/public", b"{}", x_api_key=client.key, content_type="application/json")
    assert answer.status == 200
    page.goto("/view/r1")
    expect(options(page)).to_have_text("five")
