"""A real Chromium, driven by Playwright: Debian's package, or the one that CHROMIUM names."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.client import Client

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
WAIT_MS = 10_000


# Of a module, not of a session: while it is open, its event loop runs in this thread, and others' tests want their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium; or name one in CHROMIUM)")
    # Chromium refuses its sandbox to root, which CI is.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, client: Client) -> Iterator[Page]:
    """A page of a browser that knows nothing yet. What it complains of in its console fails the test."""
    context = browser.new_context(base_url=client.url, locale="en-GB", timezone_id="UTC")
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    complaints: list[str] = []
    # Chromium also reports each answer of 400 and more here; the tests look at what is shown of those.
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" and "status of" not in m.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
    yield page
    context.close()
    assert not complaints


def sign_in(page: Page, key: str, path: str = "/") -> None:
    """Open a page as somebody who has just signed in."""
    page.goto("/viewer/icon.svg")  # of the same origin, and asks for nothing
    page.evaluate("key => sessionStorage.setItem('thunder-key', key)", key)
    page.goto(path)
