"""A trace of 20 000 tokens: the page draws and changes only the tokens near the visible part."""

from playwright.sync_api import Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.documents import added, forward, make_document, number, sampled

TOKENS = 20_000
MOST_DRAWN = 4000
"""The visible part and the blocks next to it have fewer tokens, whatever the length of the text."""
WORK = """(act) => new Promise((resolve) => {
    let count = 0
    const observer = new MutationObserver((records) => (count += records.length))
    observer.observe(document.querySelector(".tokens"), { subtree: true, attributes: true, childList: true })
    new Function(act)()
    setTimeout(() => resolve(count), 0)
})"""


def test_the_work_in_a_long_text_is_bounded(client: Client, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    words = ["five ", "six, ", "seven.\n"]
    steps = ((forward(), sampled(5 + place % 3, words[place % 3]), added(5 + place % 3)) for place in range(TOKENS))
    assert client.ingest(make_document("long", number([event for step in steps for event in step]))).status == 201
    sign_in(page, client.key, f"/view/long?token={TOKENS - 5000}")
    expect(page.get_by_text(f"Token {TOKENS - 5000} of {TOKENS}")).to_be_visible()
    pinned = page.locator(f"#token-{TOKENS - 5001}")
    expect(pinned).to_have_class("token " + (pinned.get_attribute("class") or "").removeprefix("token "))
    expect(pinned).to_be_in_viewport()
    drawn = page.locator(".tokens .token")
    assert 0 < drawn.count() < MOST_DRAWN
    page.get_by_role("listbox").focus()
    for key, index in (("End", TOKENS - 1), ("Home", 0), ("PageDown", 100)):
        page.keyboard.press(key)
        expect(page.locator(f"#token-{index}")).to_be_in_viewport()
    assert drawn.count() < MOST_DRAWN
    # Showing another token changes two tokens, coloring by another score those that are drawn.
    hover = "new PointerEvent('pointermove', { bubbles: true, pointerType: 'mouse' })"
    assert 0 < page.evaluate(WORK, f"document.querySelector('#token-90').dispatchEvent({hover})") < 10
    assert 0 < page.evaluate(WORK, "document.querySelector('input[value=entropy]').click()") < 2 * MOST_DRAWN
    # The text is complete, and can be searched beyond the drawn part.
    assert page.evaluate("document.querySelector('.tokens').textContent.length") > TOKENS
    page.keyboard.press("/")
    page.get_by_role("searchbox", name="Find in the text").fill("e")
    expect(page.locator(".find")).to_contain_text("1 of 1000+")
    assert drawn.count() < MOST_DRAWN
