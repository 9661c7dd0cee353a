"""Actions on the page of a request: record an outcome, copy, download, share and delete."""

import json
import shlex
import subprocess

from playwright.sync_api import Page, expect

from tests.support.browser import ICON, sign_in
from tests.support.client import Client, make_key
from tests.support.documents import make_document, number, one_token
from tests.support.trace_page import make_words, open_trace
from tests.viewer.conftest import OpenPage


def test_an_outcome_takes_one_key_and_keeps_its_note(client: Client, page: Page) -> None:
    open_trace(client, page, make_words("r", 5, 6))
    correct = page.get_by_role("button", name="Correct", exact=True)
    incorrect = page.get_by_role("button", name="Incorrect")
    page.keyboard.press("w")
    expect(incorrect).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("n")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Note", exact=True)).to_be_focused()
    page.keyboard.press("n")
    page.get_by_label("Note", exact=True).fill("It lies.")
    page.keyboard.press("r")  # types
    page.get_by_role("button", name="Save note").click()
    expect(page.get_by_text("It lies.r")).to_be_visible()
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("r")
    expect(correct).to_have_attribute("aria-pressed", "true")
    expect(incorrect).to_have_attribute("aria-pressed", "false")
    (outcome,) = client.get("/logs/r/outcome").json["outcomes"]
    assert (outcome["source"], outcome["correct"], outcome["note"]) == ("user", True, "It lies.r")
    page.reload()
    expect(correct).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("It lies.r")).to_be_visible()
    correct.click()
    expect(correct).to_have_attribute("aria-pressed", "false")
    assert client.get("/logs/r/outcome").json["outcomes"][0]["correct"] is None


def test_a_key_that_may_only_read_is_told_so(client: Client, page: Page) -> None:
    assert client.ingest(make_words("r", 5, user_api_key="u")).status == 201
    key = make_key(client, name="reader", allowed_api_key="u", scopes=["read"])["api_key"]
    sign_in(page, key, "/view/r")
    page.get_by_role("button", name="Correct", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("curate")


def test_id_text_link_and_command_are_copied(client: Client, open_page: OpenPage) -> None:
    copying = open_page(permissions=["clipboard-read", "clipboard-write"])
    open_trace(client, copying, "force-prefix", "?token=12")
    for name, expected in (
        ("id", "smollm2-force-prefix"),
        ("text", client.log("smollm2-force-prefix")["final_text"]),
        ("link", f"{client.url}/view/smollm2-force-prefix?token=12"),
        ("curl command", f"curl -sS -H \"X-API-Key: $KEY\" '{client.url}/logs/smollm2-force-prefix'"),
    ):
        copying.get_by_text("Copy", exact=True).click()
        copying.get_by_role("button", name=name, exact=True).click()
        expect(copying.get_by_text(f"Copied the {name}.").first).to_be_visible()
        assert copying.evaluate("navigator.clipboard.readText()") == expected


def test_text_is_copied_over_plain_http(client: Client, page: Page) -> None:
    """A page of another machine has no clipboard without HTTPS."""
    assert client.ingest(make_words("r", 5)).status == 201
    other = page.context.new_page()  # its console reports headers that need HTTPS
    other.goto(client.url.replace("127.0.0.1", "thunder.test") + ICON)
    sign_in(other, client.key, client.url.replace("127.0.0.1", "thunder.test") + "/view/r")
    assert other.evaluate("navigator.clipboard === undefined")
    other.get_by_text("Copy", exact=True).click()
    other.get_by_role("button", name="id", exact=True).click()
    expect(other.get_by_text("Copied the id.").first).to_be_visible()


def test_the_command_of_a_shared_request_needs_no_key(client: Client, open_page: OpenPage) -> None:
    assert client.ingest(make_words("r", 5)).status == 201
    shared = client.post_bytes("/logs/r/public", b"{}", x_api_key=client.key).json["public_url"]
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(shared)
    page.get_by_text("Copy", exact=True).click()
    page.get_by_role("button", name="curl command", exact=True).click()
    expect(page.get_by_text("Copied the curl command.").first).to_be_visible()
    command = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["request_id"] == "r"


def test_trace_log_and_chart_are_downloaded(client: Client, page: Page) -> None:
    open_trace(client, page, "force-prefix")
    for name, file in (
        ("trace", "smollm2-force-prefix.trace.json"),
        ("log", "smollm2-force-prefix.json"),
        ("chart as PNG", "smollm2-force-prefix.png"),
    ):
        page.get_by_text("Download", exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.suggested_filename == file
        content = download.value.path().read_bytes()
        if file.endswith(".png"):
            assert content.startswith(b"\x89PNG")
        else:
            path = "/logs/smollm2-force-prefix" + ("/trace" if ".trace." in file else "")
            assert json.loads(content) == client.get(path).json


def test_a_request_is_deleted_with_a_receipt(client: Client, page: Page) -> None:
    open_trace(client, page, make_words("r", 5))
    page.get_by_role("button", name="Delete …").click()
    dialog = page.get_by_role("dialog", name="Delete this request?")
    dialog.get_by_role("button", name="Cancel").click()
    assert client.get("/logs/r").status == 200
    page.get_by_role("button", name="Delete …").click()
    dialog.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_role("heading", name="Deleted permanently")).to_be_visible()
    (receipt,) = client.get("/v1/deletions?request_id=r").json["deletions"]
    expect(page.get_by_text(receipt["request_sha256"])).to_be_visible()
    assert client.get("/logs/r").status == 404


def test_a_deleted_request_is_no_neighbor(client: Client, page: Page) -> None:
    for name in ("oldest", "middle", "newest"):
        client.ingest(make_document(name, number(one_token())))
    sign_in(page, client.key)
    page.get_by_role("article").nth(1).get_by_role("link").first.click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_role("heading", name="Deleted permanently")).to_be_visible()
    page.go_back()
    page.get_by_role("article").first.get_by_role("link").first.click()
    expect(page.get_by_role("link", name="Older")).to_have_attribute("href", "/view/oldest")


def test_the_expiry_of_a_link_is_shown_again_later(client: Client, page: Page) -> None:
    assert client.ingest(make_words("r", 5)).status == 201
    body = b'{"expires_at": "2099-01-02T03:04:05Z"}'
    assert client.post_bytes("/logs/r/public", body, x_api_key=client.key).status == 200
    sign_in(page, client.key, "/view/r")
    page.get_by_role("tab", name="Share").click()
    expect(page.get_by_text("Expires on 2 Jan 2099")).to_be_visible()
    page.get_by_role("button", name="Revoke link").click()
    page.get_by_role("button", name="Confirm revoke link").click()
    page.get_by_role("button", name="Create link").click()
    expect(page.get_by_text("Does not expire.")).to_be_visible()
