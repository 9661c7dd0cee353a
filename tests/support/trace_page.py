"""The page of a request in the viewer."""

import re
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.documents import Document, added, forward, load_trace, make_document, number, sampled

WORDS = {5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}


def open_trace(client: Client, page: Page, document: Document | str, query: str = "") -> None:
    """Post a trace, or the recorded one with this name, and open its page."""
    trace = load_trace(document) if isinstance(document, str) else document
    assert client.ingest(trace).status == 201
    sign_in(page, client.key, f"/view/{quote(trace['request']['request_id'], safe='')}{query}")
    expect(page.get_by_role("tablist")).to_be_visible()


def options(page: Page) -> Locator:
    """Find the tokens of the text."""
    return page.get_by_role("listbox").get_by_role("option")


def pin(page: Page, number: int) -> None:
    """Pin a token, counted from 1, from the text itself."""
    options(page).nth(number - 1).click()
    expect(options(page).nth(number - 1)).to_have_class(re.compile("is-pinned"))


def make_words(request_id: str, *tokens: int, **request: object) -> Document:
    """Make a trace of sampled tokens, each with the list of tests.support.documents.TOP."""
    events = [event for token in tokens for event in (forward(), sampled(token, WORDS[token]), added(token))]
    return make_document(request_id, number(events), request={"model": "m", "user_prompt": "Count.", **request})
