"""Fixtures for a real Chromium, driven by Playwright: the one that CHROMIUM names, else one on the PATH."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.support.browser import CHROMIUM, sign_in
from tests.support.client import Client
from tests.support.feed_page import post, wait_until_live

WAIT_MS = 30_000
"""CI runs several browsers on two cores."""
expect.set_options(timeout=WAIT_MS)
WINDOW: ViewportSize = {"width": 1280, "height": 720}

OpenPage = Callable[..., Page]


# For each new context, Chromium loads two pages of its address bar, which take more CPU time than most tests.
DISABLED = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"]
# This list replaces Playwright's, so it repeats those features of it that concern pages.
DISABLED += ["HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "PaintHolding", "ThirdPartyStoragePartitioning"]
DISABLED += ["AvoidUnnecessaryBeforeUnloadCheckSync", "AvoidCorsURLLoaderRestartOnRedirect", "PreconnectToSearch"]
DISABLED += ["LensOverlay", "MediaRouter", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled"]
DISABLED += ["DestroyProfileOnBrowserClose"]


class OpenBrowser:
    """A browser for consecutive tests of the viewer, and a page of it.

    It is closed before other tests, because an open one runs its event loop in this thread, and they need their own.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._browser: Browser | None = None
        self._page: Page | None = None

    def get(self) -> Browser:
        """Return the browser, after starting it if none is open or the open one has crashed."""
        if self._browser is None or not self._browser.is_connected():
            self.close()
            self._browser = self._start()
        return self._browser

    def get_page(self, url: str) -> Page:
        """Return the page that tests use one after the other. Loading the viewer would take most of their CPU time."""
        browser = self.get()
        if self._page is None:
            self._page = open_context(browser, base_url=url).new_page()
            clear(self._page)
        return self._page

    def close_page(self) -> None:
        if self._page is not None:
            self._page.context.close()
        self._page = None

    def close(self) -> None:
        self._browser = self._page = None
        self._stack.close()

    def _start(self) -> Browser:
        # Chromium can't use its sandbox as root, and CI runs as root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        arguments.append("--host-resolver-rules=MAP thunder.test 127.0.0.1")
        arguments.append(f"--disable-features={','.join(DISABLED)}")
        playwright = self._stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        self._stack.callback(browser.close)
        return browser


def open_context(browser: Browser, **options: Any) -> BrowserContext:
    given: dict[str, Any] = {"locale": "en-GB", "timezone_id": "UTC", **options}
    return browser.new_context(**given)


def clear(page: Page) -> None:
    """Make a page like a new one. The viewer stays loaded; a clock and an init script can't be removed."""
    page.unroute_all(behavior="ignoreErrors")
    for other in page.context.pages:
        if other is not page:
            other.close()
    page.context.clear_cookies()
    sign_in(page, None, "/sign-in")
    page.evaluate("localStorage.clear()")
    page.set_viewport_size(WINDOW)
    page.emulate_media(color_scheme="light", reduced_motion="no-preference", forced_colors="none")
    page.mouse.move(0, 0)


_OPEN = OpenBrowser()


@pytest.hookimpl(trylast=True)  # after the fixtures of the test
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    if nextitem is None or not nextitem.path.is_relative_to(Path(__file__).parent):
        _OPEN.close()


@pytest.fixture
def browser() -> Browser:
    if CHROMIUM is None:
        pytest.skip("no Chromium found; install it (Debian: apt-get install chromium) or set CHROMIUM")
    return _OPEN.get()


@contextmanager
def watched(page: Page) -> Generator[None]:
    """Fail if the page logs an error or opens a dialog."""
    page.set_default_timeout(WAIT_MS)
    complaints: list[str] = []

    def log(message: ConsoleMessage) -> None:
        # Chromium also logs each answer with a status of 400 or more; the tests check how the page shows those.
        if message.type == "error" and "status of" not in message.text:
            complaints.append(message.text)

    def fail(error: Error) -> None:
        complaints.append(str(error))

    def answer(dialog: Dialog) -> None:
        complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    listeners: dict[Any, Callable[..., None]] = {"console": log, "pageerror": fail, "dialog": answer}
    for event, listener in listeners.items():
        page.on(event, listener)
    yield
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    assert not complaints


@pytest.fixture
def page(browser: Browser, client: Client) -> Iterator[Page]:
    """A page without cookies, storage and routes. Errors in its console fail the test."""
    del browser
    page = _OPEN.get_page(client.url)
    with watched(page):
        yield page
        try:
            clear(page)
        except BaseException:
            _OPEN.close_page()
            raise


@pytest.fixture
def open_page(browser: Browser, client: Client) -> Iterator[OpenPage]:
    """Open a page in a new context with options of its own: `open_page(timezone_id="Asia/Kolkata")`."""
    with ExitStack() as stack:

        def open_one(**options: Any) -> Page:
            context = open_context(browser, base_url=client.url, **options)
            stack.callback(context.close)
            page = context.new_page()
            stack.enter_context(watched(page))
            return page

        yield open_one


@pytest.fixture
def feed(client: Client, page: Page) -> Page:
    """A feed of three requests, signed in and live."""
    post(client, "a", model="m1", created_at="2026-01-01T10:00:00Z")
    post(client, "b", model="m2", created_at="2026-01-01T11:00:00Z", active_mod_name="nudge")
    post(client, "c", model="m1", created_at="2026-01-01T12:00:00Z", user_prompt="about foxes")
    sign_in(page, client.key)
    wait_until_live(page)
    return page
