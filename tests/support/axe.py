"""Accessibility checks with axe-core, in the light and the dark theme."""

from typing import Any

from axe_playwright_python.sync_playwright import DEFAULT_OPTIONS, Axe
from playwright.sync_api import Page

COLORS: dict[str, Any] = {**DEFAULT_OPTIONS, "runOnly": ["color-contrast", "link-in-text-block"]}
"""The rules about colors. The themes differ only in their colors."""


def assert_accessible(page: Page, part: str | None = None) -> None:
    """Assert that axe finds no violation in either theme, in the page or in the part that a selector names."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert_no_violation(page, "light", part)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert_no_violation(page, "dark", part, COLORS)


def assert_no_violation(
    page: Page, theme: str, part: str | None = None, options: dict[str, Any] = DEFAULT_OPTIONS
) -> None:
    """Assert that axe finds no violation in the current theme."""
    violations = Axe().run(page, part, options).response["violations"]
    found = [f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}" for one in violations]
    assert not found, f"in {theme}: {found}"
