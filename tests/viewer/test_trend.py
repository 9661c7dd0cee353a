"""The sections "By model" and "By mod" of the overview: confidence over time, in charts and in tables."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.geometry import count_lines, find_box, resized, wait_until_it_fits
from tests.support.overview_page import DAYS, PATH, make_sure, post
from tests.viewer.conftest import OpenPage

DATES_FIT = """dates => dates.length === 6 && dates.every((date) => {
    const width = date.offsetWidth
    date.style.width = "auto"
    const isCut = width < date.offsetWidth
    date.style.removeProperty("width")
    return !isCut
})"""


def test_each_model_has_a_line_and_its_numbers(client: Client, page: Page) -> None:
    post(client, [
        make_sure("1", 0.5),
        make_sure("2", 0.7),
        make_sure("3", 0.9, DAYS[2]),
        make_sure("4", 0.2, DAYS[1], model="n"),
    ])  # fmt: skip
    sign_in(page, client.key, PATH)
    section = page.get_by_role("region", name="By model")
    expect(section.get_by_role("img", name="by model, from 1 Mar to 3 Mar: m, n.")).to_be_visible()
    expect(section.locator("canvas")).to_be_visible()
    expect(section.get_by_text("Lowest: 20.0 %, n, 2 Mar.")).to_be_visible()
    expect(section.get_by_role("row", name="m 3 70.0 %")).to_be_visible()
    section.get_by_text("By day, as a table").click()
    expect(section.get_by_role("row", name="1 Mar 60.0 % (2) 60.0 % (2) \N{EN DASH}")).to_be_visible()
    expect(section.get_by_role("row", name="2 Mar 20.0 % (1) \N{EN DASH} 20.0 % (1)")).to_be_visible()


def test_each_mod_has_a_line_next_to_that_of_all_requests(client: Client, page: Page) -> None:
    post(client, [make_sure("1", 0.5), make_sure("2", 0.7, active_mod_name="nudge")])
    sign_in(page, client.key, PATH)
    section = page.get_by_role("region", name="By mod", exact=True)
    expect(section.get_by_role("row", name="nudge 1 70.0 %")).to_be_visible()
    expect(section.get_by_role("row", name="(no mod) 1 50.0 %")).to_be_visible()
    section.get_by_text("By day, as a table").click()
    expect(section.get_by_role("row", name="1 Mar 60.0 % (2) 70.0 % (1)")).to_be_visible()


def find_point(chart: Locator, share: float, value: float) -> tuple[float, float]:
    """Return the place of a point of a chart whose y axis goes from 0 to 1, as a share of the x axis."""
    box = find_box(chart.locator(".u-over"))
    return box["x"] + box["width"] * share, box["y"] + box["height"] * (1 - value)


def test_a_point_opens_its_requests(client: Client, page: Page) -> None:
    post(client, [make_sure("1", 0.5), make_sure("2", 0.7, model="n"), make_sure("3", 0.2, "2026-03-02", model="n")])
    sign_in(page, client.key, PATH)
    chart = page.get_by_role("region", name="By model").get_by_role("img")
    chart.scroll_into_view_if_needed()
    # The axis has two days, and half a day on both sides.
    page.mouse.click(*find_point(chart, 0.76, 0.21))
    expect(page).to_have_url(
        f"{client.url}/?model=n&created_from=2026-03-02T00%3A00%3A00.000Z&created_to=2026-03-03T00%3A00%3A00.000Z"
    )
    expect(page.get_by_role("article")).to_have_count(1)
    page.go_back()
    section = page.get_by_role("region", name="By mod", exact=True)
    section.get_by_text("By day, as a table").click()
    section.get_by_role("link", name="60.0 % (2)").first.click()
    expect(page.get_by_role("article")).to_have_count(2)


def test_a_chart_zooms_by_drag(client: Client, page: Page) -> None:
    post(client, (make_sure(day, place / 10 + 0.2, day) for place, day in enumerate(DAYS)))
    sign_in(page, client.key, PATH)
    section = page.get_by_role("region", name="By model")
    chart, reset = section.get_by_role("img"), section.get_by_role("button", name="Show all")
    chart.scroll_into_view_if_needed()
    expect(reset).to_be_hidden()
    before = chart.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    page.mouse.move(*find_point(chart, 0.3, 0.9))
    page.mouse.down()
    page.mouse.move(*find_point(chart, 0.6, 0.8), steps=4)
    page.mouse.up()
    expect(reset).to_be_visible()
    expect(page).to_have_url(f"{client.url}{PATH}")  # a drag opens nothing
    assert chart.locator("canvas").evaluate("canvas => canvas.toDataURL()") != before
    reset.click()
    expect(reset).to_be_hidden()
    page.mouse.move(0, 0)
    page.wait_for_function("before => document.querySelector('.overview canvas').toDataURL() === before", arg=before)


def test_many_models_need_few_calls(client: Client, page: Page) -> None:
    post(client, (make_sure(f"{place}", 0.5, model=f"model {place}") for place in range(12)))
    calls: list[str] = []
    page.on("request", lambda request: calls.append(request.url) if "/v1/" in request.url else None)
    sign_in(page, client.key, PATH)
    section = page.get_by_role("region", name="By model")
    expect(section.locator(".groups tbody tr")).to_have_count(12)
    expect(section.locator(".groups tbody svg")).to_have_count(6)
    expect(page.locator("main .loading")).to_have_count(0)
    # By day, by model, by mod; a line for each of six models; mods, drift; calibration before and after, calibrators;
    # risk and threshold; alerts and their events.
    assert len(calls) <= 18


def test_a_range_of_one_day_is_shown_by_hour(client: Client, page: Page) -> None:
    post(client, [make_sure("1", 0.5), make_sure("2", 0.7, created_at="2026-03-01T13:30:00Z")])
    sign_in(page, client.key, "/overview?from=2026-03-01&to=2026-03-01")
    section = page.get_by_role("region", name="By model")
    section.get_by_text("By hour, as a table").click()
    expect(section.get_by_role("row", name="1 Mar, 13:00 70.0 % (1)")).to_be_visible()


def test_days_are_those_of_the_time_zone_that_is_shown(client: Client, open_page: OpenPage) -> None:
    post(client, [make_sure("1", 0.5), make_sure("2", 0.7, created_at="2026-03-01T20:00:00Z")])
    page = open_page(timezone_id="Asia/Kolkata")
    sign_in(page, client.key, PATH)
    section = page.get_by_role("region", name="By model")
    expect(section.get_by_role("img", name="by model, from 1 Mar to 1 Mar: m.")).to_be_visible()
    page.get_by_role("button", name="Time zone: UTC", exact=True).click()
    expect(section.get_by_role("img", name="by model, from 1 Mar to 2 Mar: m.")).to_be_visible()
    expect(page.get_by_label("From (UTC+05:30)")).to_have_value("2026-03-01")
    section.get_by_text("By day, as a table").click()
    expect(section.get_by_text("times are in UTC+05:30")).to_be_visible()
    link = section.get_by_role("row", name="2 Mar 70.0 % (1)").get_by_role("link").first
    expect(link).to_have_attribute("href", re.compile("created_from=2026-03-01T18%3A30%3A00.000Z"))
    expect(link).to_have_attribute("href", re.compile("created_to=2026-03-02T18%3A30%3A00.000Z"))
    page.goto("/overview?from=2026-03-02&to=2026-03-02")
    expect(section.get_by_role("img", name="from 2 Mar, 01:00 to 2 Mar, 01:00: m.")).to_be_visible()
    expect(section.get_by_role("row", name="m 1 70.0 %")).to_be_visible()


def test_names_break_between_words_and_long_ones_fit(client: Client, page: Page) -> None:
    post(
        client,
        [make_sure("1", 0.5, model="acme/forwardpass_of_the_model-instruct"), make_sure("2", 0.5, model="m" * 200)],
    )
    sign_in(page, client.key, PATH)
    groups = page.get_by_role("region", name="By model").locator(".groups")
    expect(groups.locator("tbody tr")).to_have_count(2)
    expect(page.locator("main .loading")).to_have_count(0)
    for width in resized(page):
        for word in ("forwardpass_", "model-", "instruct"):
            assert count_lines(page, ".groups", word) == 1
        wait_until_it_fits(page)
        assert page.locator("input[type=date]").evaluate_all(DATES_FIT)
        if width >= 1280:
            assert groups.evaluate("table => table.offsetWidth <= table.parentElement.clientWidth")
