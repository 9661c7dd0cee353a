"""The section "Risk and coverage" of the overview: the curve, the threshold and the ranking of the scores."""

import re

import psycopg
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import follow, sign_in
from tests.support.client import Client
from tests.support.geometry import find_box, resized, wait_until_it_fits
from tests.support.labels import post_labelled

PATH = "/overview?days=all"

# The place in the chart (0…1 from the left and from the top) where most pixels in a square have the color of the line.
FIND_MARKER = """canvas => {
    const { stroke } = getComputedStyle(document.querySelector("main .sample.series-1 line"))
    const probe = stroke.match(/[0-9]+/g).map(Number)
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    const isLine = (x, y) => probe.every((value, index) => Math.abs(data[4 * (y * width + x) + index] - value) < 8)
        && data[4 * (y * width + x) + 3] > 200
    let best = { count: 0 }
    for (let y = 5; y < height - 5; y++) for (let x = 5; x < width - 5; x++) {
        if (!isLine(x, y)) continue
        let count = 0
        for (let dy = -5; dy <= 5; dy++) for (let dx = -5; dx <= 5; dx++) count += isLine(x + dx, y + dy)
        if (count > best.count) best = { count, x, y }
    }
    const parts = [canvas, canvas.parentElement.querySelector(".u-over")]
    const [box, plot] = parts.map((one) => one.getBoundingClientRect())
    const ratio = width / box.width
    return { x: (best.x / ratio + box.x - plot.x) / plot.width, y: (best.y / ratio + box.y - plot.y) / plot.height }
}"""


def post_answers(client: Client, sql: psycopg.Connection) -> None:
    """Post 100 answers. The 40 most confident are correct, the others are not."""
    post_labelled(client, sql, [((index + 1) / 101, index >= 60) for index in range(100)])


def open_section(client: Client, page: Page, query: str = "") -> Locator:
    sign_in(page, client.key, PATH + query)
    section = page.get_by_role("region", name="Risk and coverage")
    expect(section.locator(".loading")).to_have_count(0)
    return section


def test_the_threshold_and_the_curve_are_shown(client: Client, page: Page, sql: psycopg.Connection) -> None:
    post_answers(client, sql)
    section = open_section(client, page, "&target_error=0.2")
    threshold = client.get("/v1/confidence/threshold?target_error=0.2").json["threshold"]
    sentence = (
        f"Certified: accept sequence_confidence >= {threshold!r}: 40 % of answers, at most 20 % of them incorrect"
    )
    expect(section.get_by_text(sentence)).to_be_visible()
    label = "60.0 % incorrect if all are accepted. The threshold accepts 40.0 %, of which 0.00 % are incorrect here."
    expect(section.get_by_role("img", name=label)).to_be_visible()
    expect(section.locator("canvas")).to_be_visible()
    section.get_by_text("Curve as a table").click()
    expect(section.get_by_role("row", name="40.0 % 0.00 % 60.4 %")).to_be_visible()
    expect(section.get_by_role("row", name="100.0 % 60.0 % 0.99 %")).to_be_visible()
    expect(section.get_by_role("row", name="sequence confidence 1.00 (1.00 \N{EN DASH} 1.00)")).to_be_visible()
    found = section.locator("canvas").evaluate(FIND_MARKER)
    assert abs(found["x"] - 0.4) < 0.02, found
    assert abs(found["y"] - 1) < 0.04, found
    for width in resized(page):
        chart, table = find_box(section.locator("figure")), find_box(section.locator(".ranking"))
        assert (table["x"] >= chart["x"] + chart["width"]) == (width > 400)
        assert (table["y"] >= chart["y"] + chart["height"]) == (width == 400)
        wait_until_it_fits(page)
    # A score that is higher for uncertain answers accepts the other side.
    follow(page, f"{PATH}&target_error=0.2&score=perplexity")
    expect(section.get_by_text("Certified: accept perplexity <=")).to_be_visible()


def test_the_promise_is_in_the_address_and_survives_the_filters(
    client: Client, page: Page, sql: psycopg.Connection
) -> None:
    post_answers(client, sql)
    section = open_section(client, page)
    expect(section.get_by_label("Incorrect at most (%)")).to_have_value("5")
    expect(section.get_by_text("Not certified: 0 of the 60 most confident")).to_have_count(0)
    section.get_by_label("Incorrect at most (%)").fill("30")
    section.get_by_label("Confidence (%)").fill("90")
    section.get_by_role("button", name="Find threshold").click()
    expect(page).to_have_url(re.compile(r"target_error=0.3&confidence=0.9$"))
    expect(page.get_by_text("at most 30 % of them incorrect, with 90 % confidence")).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"target_error=0.3&confidence=0.9"))
    expect(page.get_by_label("Incorrect at most (%)")).to_have_value("30")


def test_the_reason_is_shown_if_nothing_is_certified(client: Client, page: Page, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, [((index + 1) / 101, index % 2 == 0) for index in range(100)])
    section = open_section(client, page, "&target_error=0.2")
    expect(section.get_by_text("can't certify 20 %")).to_be_visible()
    expect(section.get_by_text("no threshold is certified")).to_be_visible()


def test_without_outcomes_the_section_says_how_many_labels_are_missing(client: Client, page: Page) -> None:
    section = open_section(client, page)
    expect(section.get_by_text("Not certified: 0 labeled requests; 59 are needed")).to_be_visible()
    expect(section.get_by_text("Record outcomes")).to_be_visible()
    expect(section.locator("canvas")).to_have_count(0)


def test_an_error_of_the_server_is_shown_in_the_section(client: Client, page: Page) -> None:
    section = open_section(client, page, "&target_error=2")
    expect(section.get_by_role("alert")).to_contain_text("target_error")
