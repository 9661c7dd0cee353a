"""Collections: create, rename, annotate, share, delete."""

import re

from playwright.sync_api import Page, expect

from tests.support.axe import assert_accessible
from tests.support.browser import sign_in
from tests.support.client import Client, send
from tests.support.feed_page import HOSTILE, post
from tests.support.keys import ADMIN_KEY


def make(client: Client, *request_ids: str, name: str = "odd ones") -> int:
    made = send(client, "POST", "/collections", ADMIN_KEY, name=name).json["collection"]["id"]
    for request_id in request_ids:
        assert send(client, "POST", f"/collections/{made}/requests", ADMIN_KEY, request_id=request_id).status == 200
    return made


def test_a_collection_is_created_renamed_and_deleted(client: Client, page: Page) -> None:
    sign_in(page, client.key)
    page.get_by_role("link", name="Collections").click()
    expect(page.get_by_role("heading", name="No collections yet")).to_be_visible()
    page.get_by_label("New collection").fill("odd ones")
    page.get_by_role("button", name="Create").click()
    expect(page).to_have_url(re.compile(r"/collection/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("odd ones")
    page.get_by_role("button", name="Rename …").click()
    page.get_by_label("Name", exact=True).fill("strange ones")
    page.get_by_label("Description").fill("to look at again")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("strange ones")
    expect(page.get_by_text("to look at again")).to_be_visible()
    page.get_by_role("link", name="Collections").click()
    expect(page.get_by_role("row").last).to_contain_text("strange ones")
    page.get_by_role("link", name="strange ones").click()
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete the collection").click()
    expect(page.get_by_role("heading", name="No collections yet")).to_be_visible()


def test_a_taken_name_shows_the_error_of_the_server(client: Client, page: Page) -> None:
    make(client, name="taken")
    sign_in(page, client.key, f"/collection/{make(client)}")
    page.get_by_role("button", name="Rename …").click()
    page.get_by_label("Name", exact=True).fill("taken")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("name")


def test_notes_are_edited_and_requests_removed(client: Client, page: Page) -> None:
    post(client, "a")
    post(client, "b")
    number = make(client, "a", "b")
    sign_in(page, client.key, f"/collection/{number}")
    members = page.get_by_role("listitem")
    expect(members).to_have_count(2)
    page.get_by_role("button", name="Edit notes: answer of a").click()
    page.get_by_label("Notes", exact=True).fill("compare\nwith b")
    page.get_by_role("button", name="Save notes").click()
    expect(members.last).to_contain_text("compare")
    page.reload()
    expect(members.last).to_contain_text("with b")
    page.get_by_role("button", name="Remove: answer of b").click()
    expect(members).to_have_count(1)
    listed = send(client, "GET", f"/collections/{number}", ADMIN_KEY).json["requests"]
    assert [(row["request_id"], row["notes"]) for row in listed] == [("a", "compare\nwith b")]


def test_a_link_is_created_opened_and_revoked(client: Client, page: Page) -> None:
    post(client, "a")
    sign_in(page, client.key, f"/collection/{make(client, 'a')}")
    page.get_by_role("button", name="Create link").click()
    link = page.get_by_label("Link for anyone").input_value()
    assert link.startswith(f"{client.url}/share/")
    assert client.request("GET", link.removeprefix(client.url), None, accept="application/json").status == 200
    page.get_by_role("button", name="Revoke link").click()
    page.get_by_role("button", name="Confirm revoke link").click()
    expect(page.get_by_role("button", name="Create link")).to_be_visible()
    assert client.request("GET", link.removeprefix(client.url), None, accept="application/json").status == 404


def test_axe_finds_nothing(client: Client, page: Page) -> None:
    post(client, "a")
    number = make(client, "a")
    for path, button in (("/collection", None), (f"/collection/{number}", "Rename …"), ("/", "Add to collection …")):
        sign_in(page, client.key, path)
        if path == "/":
            page.get_by_role("checkbox", name="Select: answer of a").check()
        if button:
            page.get_by_role("button", name=button).click()
        expect(page.get_by_text("odd ones").first).to_be_attached()
        assert_accessible(page)


def test_text_is_shown_as_text(client: Client, page: Page) -> None:
    post(client, "a", final_text=HOSTILE, model=HOSTILE)
    number = make(client, "a", name=HOSTILE[:100])
    send(client, "PUT", f"/collections/{number}/requests", ADMIN_KEY, request_id="a", notes=HOSTILE)
    send(client, "POST", f"/collections/{number}/public", ADMIN_KEY)
    page.set_viewport_size({"width": 400, "height": 900})
    for path in ("/collection", f"/collection/{number}"):
        sign_in(page, client.key, path)
        expect(page.get_by_text("<script>").first).to_be_visible()
        assert page.locator("main img, main script").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
