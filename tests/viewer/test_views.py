"""What all views have in common: no jumps, few round trips before the first paint, forced colors, the keyboard."""

import json
import re
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from functions.web.modules import FOLDER, list_modules
from tests.support.axe import COLORS, assert_no_violation
from tests.support.browser import ICON, hold, sign_in
from tests.support.client import Client, make_key, send
from tests.support.documents import load_trace
from tests.support.geometry import wait_until_it_fits
from tests.support.hostile import NOTHING_RAN, make_hostile
from tests.support.keys import ADMIN_KEY
from tests.support.trace_page import options
from tests.viewer.conftest import OpenPage

NAMES = ("force-prefix", "backtrack")
HEADINGS = {
    "/collection": "Collections",
    "/collection/1": "odd ones",
    "/compare": "Compare requests",
    "/overview": "Overview",
    "/score": "Score a response",
    "/keys": "API keys",
}
COUNT_SHIFTS = """
globalThis.shifts = []
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
        shifts.push(`${entry.value.toFixed(3)} ${entry.sources.map(({ node }) => node?.className || node?.nodeName)}`)
    }
}).observe({ type: "layout-shift", buffered: true })
"""
LOADED = """performance.getEntriesByType("resource")
    .map(({ name, transferSize }) => [new URL(name).pathname, transferSize])"""
MOST_BYTES = 160_000
"""The page and all that it names: below 300 ms on any network with a throughput of 5 Mbit/s."""
LIGHTNESS = """selector => {
    const [red, green, blue] = getComputedStyle(document.querySelector(selector)).backgroundColor.match(/[\\d.]+/g)
    return `${red} ${green} ${blue}`
}"""


@pytest.fixture
def stored(client: Client) -> Client:
    """Two traces, a collection, a key and an alert."""
    for name in NAMES:
        assert client.ingest(load_trace(name)).status == 201
    made = send(client, "POST", "/collections", ADMIN_KEY, name="odd ones").json["collection"]["id"]
    assert made == 1
    for name in NAMES:
        send(client, "POST", "/collections/1/requests", ADMIN_KEY, request_id=f"smollm2-{name}")
    make_key(client, name="engine", scopes=["ingest"])
    alert = {"name": "low", "kind": "threshold", "score": "sequence_confidence", "threshold": 0.2}
    assert send(client, "POST", "/v1/alerts", ADMIN_KEY, url="https://hooks.example.com/", **alert).status == 201
    return client


def open_view(page: Page, path: str, heading: str) -> None:
    page.goto(path)
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    expect(page.locator("main .loading")).to_have_count(0)


def list_paths() -> list[tuple[str, str]]:
    compared = "&".join(f"{letter}=smollm2-{name}" for letter, name in zip("ab", NAMES, strict=True))
    return [(f"{path}?{compared}" if path == "/compare" else path, title) for path, title in HEADINGS.items()]


@pytest.mark.parametrize(("width", "height"), [(400, 800), (1920, 1080)])
def test_nothing_moves_while_a_view_loads_and_nothing_is_wider_than_the_page(
    stored: Client, open_page: OpenPage, width: int, height: int
) -> None:
    page = open_page(viewport={"width": width, "height": height})
    page.add_init_script(COUNT_SHIFTS)
    sign_in(page, stored.key, ICON)
    for path, heading in list_paths():
        open_view(page, path, heading)
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        moved = [shift for shift in page.evaluate("shifts") if float(shift.split()[0]) > 0.02]
        assert moved == [], path
        wait_until_it_fits(page)


def test_a_page_names_all_modules_of_its_view_and_is_small(stored: Client, open_page: OpenPage) -> None:
    page = open_page()  # with an empty cache
    sign_in(page, stored.key, ICON)
    paths = [*list_paths(), ("/", "Requests"), ("/view/smollm2-backtrack", "smollm2-backtrack")]
    for path, heading in paths:
        open_view(page, path, heading)
        loaded = page.evaluate(LOADED)
        modules = {name.removeprefix("/viewer/") for name, _ in loaded if name.endswith(".js")}
        assert sorted(modules) == sorted(list_modules(urlsplit(path).path)), path
        assert sum(size for name, size in loaded if name.startswith("/viewer/")) < MOST_BYTES, path


def test_modules_are_requested_before_any_of_them_has_run(client: Client, open_page: OpenPage) -> None:
    """The files need one round trip after the page, however deep the imports are."""
    page = open_page()
    sign_in(page, client.key, ICON)
    hold(page, "**/viewer/app.js")
    needed = {f"{client.url}/viewer/{name}" for name in list_modules("/overview")}
    requested: set[str] = set()
    page.on("request", lambda request: requested.add(request.url))
    page.goto("/overview", wait_until="commit")
    deadline = time.monotonic() + 20
    while not needed <= requested:
        assert time.monotonic() < deadline, needed - requested
        page.wait_for_timeout(20)
    assert len(needed) > 20


def test_the_heading_is_drawn_before_the_first_answer(stored: Client, page: Page) -> None:
    sign_in(page, stored.key, ICON)
    hold(page, re.compile(r"/(logs|collections|auth|v1)\b"))
    for path, title in list_paths():
        heading = "Collection" if path == "/collection/1" else title  # its name is in the answer
        page.goto(path)
        expect(page.locator("main :is(h1, .title)")).to_have_text(heading)
        expect(page.locator("main")).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")


def test_forced_colors_keep_what_colors_mean(stored: Client, page: Page) -> None:
    page.emulate_media(forced_colors="active", color_scheme="dark")
    sign_in(page, stored.key, ICON)
    for path, heading in list_paths():
        open_view(page, path, heading)
        assert_no_violation(page, "forced colors", None, COLORS)
    open_view(page, *list_paths()[2])
    steps = [page.evaluate(LIGHTNESS, f".legend .swatch:nth-of-type({place})") for place in range(1, 7)]
    assert len(set(steps)) == 6
    shown, hidden = ".choice button[aria-pressed=true]", ".choice button[aria-pressed=false]"
    assert page.evaluate(LIGHTNESS, shown) != page.evaluate(LIGHTNESS, hidden)
    assert page.evaluate(LIGHTNESS, ".chosen .bar") != page.evaluate(LIGHTNESS, "main")


def test_all_sizes_of_type_are_in_the_scale() -> None:
    styles = [path for path in (FOLDER / "styles").glob("*.css") if path.name != "docs.css"]
    sizes = [size for path in styles for size in re.findall(r"font(?:-size)?: *([^;}]*)", path.read_text())]
    assert len(sizes) > 50
    # Code, and signs within a text, have a size relative to the text.
    assert [size for size in sizes if not re.match(r"var\(--(small|body|head|large)\)|inherit$|[\d.]+em$", size)] == []


def test_an_error_leads_on(stored: Client, page: Page) -> None:
    sign_in(page, stored.key, "/collection/99")
    expect(page.get_by_role("alert")).to_contain_text("there is no collection 99")
    page.get_by_role("link", name="All collections").click()
    expect(page.get_by_role("heading", level=1, name="Collections")).to_be_visible()
    page.goto("/view/%3Cimg%20src%3Dx%3E")
    expect(page.get_by_role("alert")).to_contain_text("there is no request '<img src=x>'")
    assert page.evaluate(NOTHING_RAN)
    page.get_by_role("link", name="All requests").click()
    expect(page.get_by_role("heading", level=1, name="Requests")).to_be_visible()
    page.goto("/view/%")
    expect(page.get_by_role("heading", level=1, name="Not found")).to_be_visible()


def test_a_collection_works_with_the_keyboard(stored: Client, page: Page) -> None:
    sign_in(page, stored.key, "/collection/1")
    rename, name = page.get_by_role("button", name="Rename …"), page.get_by_label("Name", exact=True)
    rename.press("Enter")
    expect(name).to_be_focused()
    page.keyboard.press("Escape")
    expect(rename).to_be_focused()
    expect(name).to_have_count(0)
    rename.press("Enter")
    page.keyboard.press("End")
    page.keyboard.type(" here")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("odd ones here")
    expect(rename).to_be_focused()
    page.get_by_role("button", name="Create link").press("Enter")
    expect(page.get_by_role("button", name="Revoke link")).to_be_focused()
    page.get_by_role("button", name="Delete …").press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Delete …")).to_be_focused()

    notes = page.get_by_role("button", name=re.compile("^Edit notes")).first
    notes.press("Enter")
    expect(page.get_by_label("Notes", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(notes).to_be_focused()
    page.get_by_role("button", name=re.compile("^Remove")).first.press("Enter")
    expect(page.get_by_text("1 request, last added first")).to_be_visible()
    expect(page.get_by_role("listitem").get_by_role("link")).to_be_focused()
    page.get_by_role("button", name=re.compile("^Remove")).press("Enter")
    expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()


def test_keys_and_alerts_work_with_the_keyboard(stored: Client, page: Page) -> None:
    sign_in(page, stored.key, "/keys")
    rotate, hours = page.get_by_role("button", name="Rotate engine"), page.get_by_label("End of the old key engine")
    rotate.press("Enter")
    expect(hours).to_be_focused()
    page.keyboard.press("Escape")
    expect(rotate).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Confirm revoke engine")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Revoke engine", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # leaving the button also returns it to its first state
    expect(page.get_by_role("button", name="Revoke engine", exact=True)).to_be_visible()
    page.get_by_role("button", name="Revoke engine").press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Key engine is revoked.")).to_be_visible()
    expect(page.locator(".key-note")).to_be_focused()
    ended = page.get_by_label("Show revoked and expired keys (1)")
    ended.press("Space")
    expect(page.get_by_role("row", name="engine")).to_be_visible()
    expect(ended).to_be_focused()

    page.goto("/overview")
    page.get_by_role("button", name="Pause low").press("Enter")
    expect(page.get_by_role("button", name="Resume low")).to_be_focused()
    page.get_by_role("button", name="Delete low").press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No alerts")).to_be_visible()
    expect(page.locator(".alert-note")).to_be_focused()


def test_a_form_within_the_overview_keeps_the_place_on_the_page(stored: Client, page: Page) -> None:
    sign_in(page, stored.key, "/overview?days=all")
    section = page.get_by_role("region", name="Risk and coverage")
    limit = section.get_by_label("Incorrect at most (%)")
    limit.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    assert before > 0
    limit.fill("30")
    limit.press("Enter")
    expect(page).to_have_url(re.compile("target_error=0.3"))
    expect(section.get_by_role("button", name="Find threshold")).to_be_focused()
    assert abs(page.evaluate("scrollY") - before) < 50
    expect(page.get_by_role("link", name="last 7")).to_have_attribute("href", re.compile("target_error=0.3"))
    page.go_back()
    expect(limit).to_have_value("5")


def test_a_hostile_response_is_scored_as_text(client: Client, page: Page) -> None:
    sign_in(page, client.key, "/score")
    page.get_by_label("Response").fill(json.dumps(make_hostile("x")))
    page.get_by_role("button", name="Score", exact=True).click()
    expect(options(page).first).to_contain_text("<img src=x")
    for name in ("Mod calls (1)", "Exceptions (1)", "Raw JSON"):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tabpanel")).to_contain_text("<script>")
    assert page.evaluate(NOTHING_RAN)
