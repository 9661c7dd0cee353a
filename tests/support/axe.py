"""Accessibility checks with axe-core, in the light and the dark theme."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def assert_accessible(page: Page) -> None:
    """Assert that axe finds no violation in either theme."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert_no_violation(page, "light")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert_no_violation(page, "dark")


def assert_no_violation(page: Page, theme: str) -> None:
    """Assert that axe finds no violation in the current theme."""
    violations = Axe().run(page).response["violations"]
    found = [f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}" for one in violations]
    assert not found, f"in {theme}: {found}"
