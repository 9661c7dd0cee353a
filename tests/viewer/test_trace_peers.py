"""A request among others on its page: its percentile, its neighbors, and how other requests continued."""

import re

from playwright.sync_api import Page, expect

from tests.support.client import Client
from tests.support.hostile import NOTHING_RAN, make_hostile
from tests.support.trace_page import make_words, open_trace, options, pin


def test_keys_are_listed_and_lead_to_other_requests(client: Client, page: Page) -> None:
    for place in range(3):
        assert client.ingest(make_words(f"r{place}", 5, 6, created_at=f"2026-01-0{place + 1}T00:00:00Z")).status == 201
    open_trace(client, page, make_words("r1", 5, 6, created_at="2026-01-02T00:00:00Z"))
    expect(page.get_by_role("link", name="Older")).to_have_attribute("href", "/view/r0")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    for does in ("find in the text", "next request", "mark the answer as correct", "release the pin"):
        expect(dialog).to_contain_text(does)
    page.keyboard.press("j")  # a dialog receives the keys
    dialog.get_by_role("button", name="Close").click()
    expect(page).to_have_url(re.compile(r"/view/r1"))
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_have_text("r0")
    expect(page.get_by_role("link", name="Newer")).to_have_attribute("href", "/view/r1")
    page.keyboard.press("k")
    expect(page.get_by_role("heading", level=1)).to_have_text("r1")
    expect(page.get_by_role("link", name="Newer")).to_have_attribute("href", "/view/r2")
    page.keyboard.press("c")
    expect(page.get_by_label("Entropy")).to_be_checked()


def test_neighbors_follow_the_filters_of_the_feed(client: Client, page: Page) -> None:
    for place, model in enumerate("mnmn"):
        document = make_words(f"r{place}", 5, created_at=f"2026-01-0{place + 1}T00:00:00Z", model=model)
        assert client.ingest(document).status == 201
    open_trace(client, page, make_words("r0", 5, created_at="2026-01-01T00:00:00Z"))
    expect(page.get_by_role("link", name="Newer")).to_have_attribute("href", "/view/r1")
    page.goto("/?model=m")
    page.locator('a[href^="/view/r2"]').first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("r2")
    expect(page.get_by_role("link", name="Older")).to_have_attribute("href", "/view/r0")


def test_alternatives_show_what_followed_elsewhere(client: Client, page: Page) -> None:
    for name, tokens in (("b", (5, 8, 9)), ("c", (5, 8, 7)), ("d", (6, 8))):
        assert client.ingest(make_words(name, *tokens)).status == 201
    open_trace(client, page, make_words("a", 5, 6, 7))
    section = page.get_by_label("Selected token").locator(".alternatives")
    options(page).nth(1).hover()
    expect(section).to_have_count(0)
    pin(page, 2)
    expect(section).to_contain_text("eight 2 requests")
    expect(section.get_by_role("link", name="eightnine")).to_have_attribute("href", "/view/b?token=2")
    section.get_by_role("link", name="eightseven").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("c")
    expect(page.locator(".tokens .is-pinned")).to_have_id("token-1")
    pin(page, 3)
    expect(section).to_contain_text("nine 1 request")
    page.get_by_role("link", name="Newer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("d")
    pin(page, 2)
    expect(section).to_contain_text("No other request has the same prompt, model and text up to here.")


def test_the_percentile_is_explained(client: Client, page: Page) -> None:
    for place, tokens in enumerate([(5,), (5, 5), (6,), (5, 6, 6), (6, 6)]):
        assert client.ingest(make_words(f"r{place}", *tokens)).status == 201
    open_trace(client, page, make_words("r", 5, 6))
    # Two are as confident as their lists allow, three are less confident: 3 of 6, and half of this one.
    expect(page.locator(".standing")).to_have_text("58th percentile of this model's 6 requests")
    page.get_by_label("What does confidence mean?").click()
    expect(page.get_by_text("not whether the answer is correct")).to_be_visible()


def test_hostile_peers_are_shown_as_text(client: Client, page: Page) -> None:
    for name, token in (("a", 5), ("b", 6)):
        assert client.ingest(make_hostile(name, token=token)).status == 201
    open_trace(client, page, make_hostile("c", token=5), "?token=2&mode=group&window=8")
    section = page.get_by_label("Selected token").locator(".alternatives")
    expect(section).to_contain_text("the same token")
    expect(section.get_by_role("link")).to_have_count(2)
    page.keyboard.press("/")
    page.get_by_role("searchbox", name="Find in the text").fill("<script>")
    expect(page.locator(".find")).to_contain_text("1 of 1")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Delete …").click()
    expect(page.get_by_role("dialog")).to_contain_text("<img src=x onerror=alert(3)>c")
    assert page.evaluate(NOTHING_RAN)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("link", name="Compare", exact=True).last.click()
    expect(page.locator(".peers button")).to_have_count(2)
    assert page.evaluate(NOTHING_RAN)


def test_other_requests_with_the_problem_are_one_click_away(client: Client, page: Page) -> None:
    open_trace(client, page, "mod-exception")
    panel = page.get_by_role("tabpanel")
    panel.get_by_role("link", name="Requests with crashing and exceptions").click()
    expect(page).to_have_url(re.compile(r"\?mod=wrapped_client_mod_crashing&has_exception=true$"))
    expect(page.get_by_role("article")).to_have_count(1)
    page.go_back()
    page.locator(".trace-head").get_by_role("link", name="mod crashing").click()
    expect(page).to_have_url(re.compile(r"\?mod=crashing$"))
    expect(page.get_by_role("article")).to_have_count(1)
