"""Take the screenshots in docs/screenshots of the data that `make demo` posts: `python -m tests.viewer.screenshots`.

The clock is fixed at NOW, in the browser too, so that the screenshots are reproducible.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import click
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from core.local.signals import stopped_by_signals
from functions.client.connection import Connection
from functions.client.demo import move_to, post_demo
from tests.bench.stage import ADMIN_KEY, AS_ADMIN, ROOT, open_stage
from tests.bench.wire import JSON_TYPE, Wire, encode
from tests.support.browser import CHROMIUM, sign_in

FOLDER = ROOT / "docs" / "screenshots"
TRACES = ROOT / "docs" / "samples"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
WAIT_MS = 60_000
WIDTH, HEIGHT = 1280, 800

TRACE = "smollm2-backtrack"
"""A trace with tokens that a mod forced and discarded, and a last part with low confidence."""
PARTED = ("smollm2-force-prefix", "smollm2-step-always-zero")
"""Both begin with the same nine tokens, forced by a mod; then the model continues on its own."""
AGAIN = "-again"
"""Suffix of the ids of the recorded traces that are posted a second time, as the newest of the feed."""
TAGS = {f"{TRACE}{AGAIN}": ["regression", "look again"], f"smollm2-mod-exception{AGAIN}": ["mod broken"]}


def _click_weakest(page: Page) -> None:
    """Scroll to the least confident window."""
    page.get_by_role("button", name="Go to the least confident window").click()
    page.mouse.wheel(0, -HEIGHT)


def _show_risk(page: Page) -> None:
    """Scroll to the risk-coverage curve."""
    page.get_by_role("heading", name="Risk and coverage").evaluate("heading => heading.scrollIntoView()")


@dataclass(frozen=True)
class Picture:
    """One screenshot.

    Attributes:
        awaits: finds an element that appears when the view is complete.
        prepare: runs before the screenshot is taken.
        height: height of the window in CSS pixels.
    """

    name: str
    path: str
    awaits: Callable[[Page], Locator]
    dark: bool = False
    prepare: Callable[[Page], None] | None = None
    height: int = HEIGHT


def _find_heading(page: Page) -> Locator:
    return page.locator("main h1")


def _find_course(page: Page) -> Locator:
    return page.locator(".trace-course canvas")


def _find_texts(page: Page) -> Locator:
    return page.get_by_role("heading", name="Both texts")


def _find_last_chart(page: Page) -> Locator:
    return page.locator("main .chart canvas").nth(4)


PICTURES = [
    Picture("feed", "/", _find_heading),
    Picture("trace", f"/view/{TRACE}", _find_course, prepare=_click_weakest, height=1080),
    Picture("trace-dark", f"/view/{TRACE}", _find_course, dark=True, prepare=_click_weakest, height=1080),
    Picture("compare", f"/compare?a={PARTED[0]}&b={PARTED[1]}", _find_texts),
    Picture("overview", "/overview", _find_last_chart, height=1280),
    Picture("risk", "/overview?target_error=0.4", _find_last_chart, prepare=_show_risk, height=640),
]


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=FOLDER, help="The folder for the screenshots.")
def make_screenshots(*, output: Path) -> None:
    """Start a server, post the samples and take a screenshot of each view."""
    if CHROMIUM is None:
        raise click.UsageError("no Chromium found; install it (Debian: apt-get install chromium) or set CHROMIUM")
    output.mkdir(parents=True, exist_ok=True)
    with stopped_by_signals(), open_stage(quick=True) as stage:
        server = stage.main
        with server.connect() as wire:
            post_samples(Connection(server.url, ADMIN_KEY), wire)
        with sync_playwright() as playwright:
            # Chromium can't use its sandbox as root (as in tests/viewer/conftest.py).
            arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
            for picture in PICTURES:
                take(browser, server.url, picture, output / f"{picture.name}.png")
                click.echo(f"{picture.name}.png: {(output / f'{picture.name}.png').stat().st_size // 1024} KiB")
            browser.close()


def post_samples(connection: Connection, wire: Wire) -> None:
    """Post the demo, up to an hour before NOW; then the recorded traces again, as the newest of the feed."""
    post_demo(connection, now=NOW - timedelta(hours=1))
    recorded = [json.loads(path.read_bytes()) for path in sorted(TRACES.glob("*.json"))]
    for position, trace in enumerate(recorded):
        trace["request"]["request_id"] += AGAIN
        connection.ingest_all([move_to(trace, NOW - timedelta(minutes=3 * (len(recorded) - position)))])
    for request_id, tags in TAGS.items():
        for tag in tags:
            body = json.dumps({"tag": tag}).encode()
            wire.expect(200, encode("POST", f"/logs/{quote(request_id)}/tags", {**JSON_TYPE, **AS_ADMIN}, body))


def take(browser: Browser, url: str, picture: Picture, path: Path) -> None:
    """Open a view as a signed-in user, wait until it is complete and take a screenshot."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": WIDTH, "height": picture.height},
        color_scheme="dark" if picture.dark else "light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.clock.set_fixed_time(NOW)
    sign_in(page, ADMIN_KEY, picture.path)
    picture.awaits(page).wait_for()
    page.locator(".loading").first.wait_for(state="detached")
    if picture.prepare:
        picture.prepare(page)
    page.screenshot(path=path, animations="disabled", caret="hide")
    context.close()


if __name__ == "__main__":
    sys.exit(make_screenshots())
