"""The browser of the viewer's tests, and how it requests pages."""

import os
import re
import shutil

from playwright.sync_api import Page, Route

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""The Accept header of a browser that opens a page."""


ICON = "/viewer/icon.svg"
"""A page of the server that makes no further requests."""
# Follow a link if the viewer is open, and return whether it is.
FOLLOW = """path => {
    if (!document.querySelector("script[src='/viewer/app.js']")) return false
    const link = document.createElement("a")
    link.href = path
    document.body.append(link)
    link.click()
    link.remove()
    return true
}"""
SIGN_IN = f"""async ([key, path]) => {{
    const isOpen = Boolean(document.querySelector("script[src='/viewer/app.js']"))
    if (isOpen) (await import("/viewer/lib/identity.js")).forgetIdentity()
    sessionStorage.clear()
    if (key !== null) sessionStorage.setItem("thunder-key", key)
    return ({FOLLOW})(path)
}}"""


def sign_in(page: Page, key: str | None, path: str = "/") -> None:
    """Open a view as a user, or as nobody. If the viewer is open already, its files are not loaded again."""
    if page.url == "about:blank" or path == ICON:
        page.goto(ICON)
    if not page.evaluate(SIGN_IN, [key, path]) and path != ICON:
        page.goto(path)


def hold(page: Page, pattern: str | re.Pattern[str]) -> list[Route]:
    """Hold the calls to these addresses until the test continues them."""
    held: list[Route] = []

    def keep(route: Route) -> None:  # Playwright does not accept a bound method of a list
        held.append(route)

    page.route(pattern, keep)
    return held


def follow(page: Page, path: str) -> None:
    """Go to another view of the open viewer, as a link does."""
    assert page.evaluate(FOLLOW, path)
