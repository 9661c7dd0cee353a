"""The browser of the viewer's tests, and how it requests pages."""

import os
import shutil

from playwright.sync_api import Page

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""The Accept header of a browser that opens a page."""


def sign_in(page: Page, key: str, path: str = "/") -> None:
    """Open a page as a signed-in user."""
    page.goto("/viewer/icon.svg")  # same origin, and makes no further requests
    page.evaluate("key => sessionStorage.setItem('thunder-key', key)", key)
    page.goto(path)
