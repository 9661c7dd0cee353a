"""Fixtures for a real Chromium, driven by Playwright: the one that CHROMIUM names, else one on the PATH."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.browser import CHROMIUM, sign_in
from tests.support.client import Client
from tests.support.feed_page import post, wait_until_live

WAIT_MS = 30_000
"""CI runs several browsers on two cores."""
expect.set_options(timeout=WAIT_MS)


# For each new context, Chromium loads two pages of its address bar, which take more CPU time than most tests.
DISABLED = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"]
# This list replaces Playwright's, so it repeats those features of it that concern pages.
DISABLED += ["HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "PaintHolding", "ThirdPartyStoragePartitioning"]
DISABLED += ["AvoidUnnecessaryBeforeUnloadCheckSync", "AvoidCorsURLLoaderRestartOnRedirect", "PreconnectToSearch"]
DISABLED += ["LensOverlay", "MediaRouter", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled"]
DISABLED += ["DestroyProfileOnBrowserClose"]


class OpenBrowser:
    """A browser for consecutive tests of the viewer.

    It is closed before other tests, because an open one runs its event loop in this thread, and they need their own.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._browser: Browser | None = None

    def get(self) -> Browser:
        """Return the browser, after starting it if none is open or the open one has crashed."""
        if self._browser is None or not self._browser.is_connected():
            self.close()
            self._browser = self._start()
        return self._browser

    def close(self) -> None:
        self._browser = None
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


@pytest.fixture
def page(browser: Browser, client: Client) -> Iterator[Page]:
    """A page in a fresh browser context. Errors in its console fail the test."""
    context = browser.new_context(base_url=client.url, locale="en-GB", timezone_id="UTC")
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    complaints: list[str] = []
    # Chromium also logs each answer with a status of 400 or more; the tests check how the page shows those.
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" and "status of" not in m.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
    yield page
    context.close()
    assert not complaints


@pytest.fixture
def feed(client: Client, page: Page) -> Page:
    """A feed of three requests, signed in and live."""
    post(client, "a", model="m1", created_at="2026-01-01T10:00:00Z")
    post(client, "b", model="m2", created_at="2026-01-01T11:00:00Z", active_mod_name="nudge")
    post(client, "c", model="m1", created_at="2026-01-01T12:00:00Z", user_prompt="about foxes")
    sign_in(page, client.key)
    wait_until_live(page)
    return page
