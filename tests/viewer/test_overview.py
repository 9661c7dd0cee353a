"""The overview: confidence over time, drift, calibration and mods, in charts and in tables."""

import json
import re
from collections.abc import Iterable

import psycopg
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.axe import assert_accessible
from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.documents import Document, action, added, call, forward, load_trace, make_document, number, sampled
from tests.support.geometry import count_lines, fits, resized
from tests.support.hostile import NOTHING_RAN, make_hostile
from tests.support.labels import draw_labels, post_labelled
from tests.viewer.conftest import OpenPage

DAYS = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]
PATH = "/overview?from=2026-03-01&to=2026-03-04"
DATES_FIT = """dates => dates.length === 6 && dates.every((date) => {
    const width = date.offsetWidth
    date.style.width = "auto"
    const isCut = width < date.offsetWidth
    date.style.removeProperty("width")
    return !isCut
})"""


def make_sure(request_id: str, prob: float, day: str = DAYS[0], **request: object) -> Document:
    """Make a trace of one token with this probability."""
    probs = {5: prob, 6: (1 - prob) / 2}
    top: list[Document] = [
        {"token": token, "prob": probs[token]} for token in sorted(probs, key=lambda one: -probs[one])
    ]
    events = number([forward(top), sampled(), added(5)])
    return make_document(request_id, events, request={"created_at": f"{day}T12:00:00Z", "model": "m", **request})


def post(client: Client, documents: Iterable[Document]) -> None:
    lines = "\n".join(json.dumps(document) for document in documents)
    answer = client.post_bytes("/v1/ingest", lines.encode(), content_type="application/x-ndjson")
    assert {one["status"] for one in answer.json["results"]} == {201}


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
    box = chart.locator(".u-over").bounding_box()
    assert box is not None
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


def test_a_mod_has_one_name(client: Client, page: Page) -> None:
    for place, mod in enumerate(("wrapped_client_mod_nudge", "nudge")):
        document = make_document(
            str(place),
            number([forward(), sampled(), added(5)]),
            request={"active_mod_name": "nudge", "created_at": "2026-03-01T12:00:00Z", "model": "m"},
            mod_calls=[call(1, mod=mod)],
        )
        assert client.ingest(document).status == 201
    sign_in(page, client.key, PATH)
    effects = page.get_by_role("region", name="Mod effects")
    expect(effects.locator('th[scope="rowgroup"]')).to_have_count(1)
    expect(effects.locator('th[scope="rowgroup"]')).to_contain_text("nudge")
    expect(page.locator("#overview-mods option")).to_have_count(1)
    expect(page.locator("main")).not_to_contain_text("wrapped_client_mod")


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
        assert fits(page)
        assert page.locator("input[type=date]").evaluate_all(DATES_FIT)
        if width >= 1280:
            assert groups.evaluate("table => table.offsetWidth <= table.parentElement.clientWidth")


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


def test_filters_are_in_the_address_and_apply_to_all_charts(client: Client, page: Page) -> None:
    post(client, [make_sure("1", 0.5), make_sure("2", 0.7, model="n"), make_sure("3", 0.9, "2026-02-01")])
    sign_in(page, client.key, "/overview?days=all")
    section = page.get_by_role("region", name="By model")
    expect(section.get_by_role("row", name="m 2")).to_be_visible()
    page.get_by_label("From (UTC)").fill("2026-03-01")
    page.get_by_role("combobox", name="Model").fill("m")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(f"{client.url}/overview?from=2026-03-01&model=m&score=sequence_confidence")
    expect(section.locator(".groups tbody tr")).to_have_count(1)
    expect(section.get_by_role("row", name="m 1 50.0 %")).to_be_visible()
    page.get_by_role("link", name="last 7", exact=True).click()
    expect(page).to_have_url(f"{client.url}/overview?model=m&score=sequence_confidence&days=7")
    expect(section.get_by_text("No requests match the range and the filters.")).to_be_visible()


def test_a_range_of_one_day_is_shown_by_hour(client: Client, page: Page) -> None:
    post(client, [make_sure("1", 0.5), make_sure("2", 0.7, created_at="2026-03-01T13:30:00Z")])
    sign_in(page, client.key, "/overview?from=2026-03-01&to=2026-03-01")
    section = page.get_by_role("region", name="By model")
    section.get_by_text("By hour, as a table").click()
    expect(section.get_by_role("row", name="1 Mar, 13:00 70.0 % (1)")).to_be_visible()


def test_a_change_is_described_in_words(client: Client, page: Page) -> None:
    sure = {DAYS[0]: 0.2, DAYS[1]: 0.2, DAYS[2]: 0.9, DAYS[3]: 0.9}
    post(client, (make_sure(f"{day}-{place}", sure[day], day) for day in DAYS for place in range(20)))
    sign_in(page, client.key, PATH)
    section = page.get_by_role("region", name="Drift")
    expect(section.get_by_text("Significant change.")).to_be_visible()
    expect(section.get_by_text("at most 100 points (Kolmogorov-Smirnov 1.00, p < 0.001)")).to_be_visible()
    expect(section.get_by_text("moved by 70.0 points (Wasserstein)")).to_be_visible()
    section.get_by_text("Histograms as a table").click()
    expect(section.get_by_role("row", name="40 (100.0 %) 0 (0.0 %)")).to_be_visible()


def test_an_insignificant_change_is_not_called_a_change_and_periods_can_be_selected(client: Client, page: Page) -> None:
    post(client, (make_sure(f"{day}-{place}", 0.2 + place / 40, day) for day in DAYS for place in range(10)))
    sign_in(page, client.key, PATH)
    section = page.get_by_role("region", name="Drift")
    expect(section.get_by_text("No significant change. With so few requests")).to_be_visible()
    section.get_by_label("Baseline to").fill(DAYS[0])
    section.get_by_role("button", name="Compare").click()
    expect(section.get_by_text("baseline (10)")).to_be_visible()
    expect(section.get_by_text("current (20)")).to_be_visible()


def test_too_few_outcomes_show_the_explanation_of_the_server(client: Client, page: Page) -> None:
    post(client, [make_sure("1", 0.5)])
    client.post_bytes("/logs/1/outcome", b'{"correct": true}', x_api_key=client.key)
    sign_in(page, client.key, PATH)
    section = page.get_by_role("region", name="Calibration")
    expect(section.get_by_text("1 labelled request; at least 100 are needed")).to_be_visible()
    expect(section.locator("canvas")).to_have_count(0)


def test_outcomes_are_plotted_against_the_score(client: Client, page: Page) -> None:
    post(client, (make_sure(f"{place}", 0.25 if place < 60 else 0.85) for place in range(120)))
    for place in range(120):
        body = json.dumps({"correct": place % 3 == 0 if place < 60 else place % 6 != 0}).encode()
        assert client.post_bytes(f"/logs/{place}/outcome", body, x_api_key=client.key).status == 200
    sign_in(page, client.key, PATH)
    section = page.get_by_role("region", name="Calibration")
    label = "Reliability diagram of sequence confidence: 33.3 % correct at 25.0 %, 83.3 % correct at 85.0 %."
    expect(section.get_by_role("img", name=label)).to_be_visible()
    section.get_by_text("Diagram as a table").click()
    expect(section.get_by_role("row", name="20.0 % \N{EN DASH} 30.0 % 60 25.0 % 33.3 %")).to_be_visible()
    page.get_by_label("Score to compare").select_option("perplexity")
    page.get_by_role("button", name="Apply").click()
    expect(section.get_by_text("perplexity is not a probability")).to_be_visible()


def test_reliability_is_shown_before_and_after_calibration(client: Client, sql: psycopg.Connection, page: Page) -> None:
    post_labelled(client, sql, draw_labels(150, seed=1))
    body = b'{"score": "sequence_confidence", "method": "isotonic"}'
    assert client.post_bytes("/v1/calibrators", body, x_api_key=client.key).status == 201
    post_labelled(client, sql, draw_labels(150, seed=2), prefix="new")
    sign_in(page, client.key, "/overview?days=all")
    section = page.get_by_role("region", name="Calibration")
    expect(section.get_by_text("After calibration, the probability is off by")).to_be_visible()
    expect(
        section.get_by_text(re.compile(r"Calibrator version 1 of labelled-model .* before and .* after calibration"))
    ).to_be_visible()
    expect(section.get_by_role("img", name=re.compile("Reliability diagram .*; after calibration: "))).to_be_visible()
    expect(section.get_by_role("figure", name=re.compile("after calibration perfect calibration"))).to_be_visible()
    section.get_by_text("Diagram as a table").click()
    expect(section.get_by_role("table", name="by calibrated probability")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert_accessible(page)


def test_effects_of_mods_are_a_table(client: Client, page: Page) -> None:
    forced = make_document(
        "1",
        number([forward(), sampled(), added(6, forced=True)]),
        request={"created_at": f"{DAYS[0]}T12:00:00Z"},
        mod_calls=[call(1, mod="pusher", execution_time_ms=2.5)],
        actions=[action("ForceTokens", tokens_as_text=["six"])],
    )
    client.ingest(forced)
    client.ingest(load_trace("mod-exception"))
    sign_in(page, client.key, PATH)
    section = page.get_by_role("region", name="Mod effects")
    row = "pusher 1 request Sampled ForceTokens \N{MULTIPLICATION SIGN} 1 1 0 2.50 / 2.50 1.50 nats"
    expect(section.get_by_role("row", name=row)).to_be_visible()
    expect(section.get_by_role("row", name="crashing").locator("strong")).to_have_text("1")
    section.get_by_role("row", name="pusher").get_by_role("link", name="1 request").click()
    expect(page).to_have_url(f"{client.url}/?mod=pusher")


def test_an_empty_overview_says_what_is_missing(client: Client, page: Page) -> None:
    sign_in(page, client.key, "/overview")
    for sentence in ("No requests match", "choose two periods", "100 are needed", "No request has called"):
        expect(page.get_by_text(sentence).first).to_be_visible()


def test_charts_follow_the_theme(client: Client, page: Page) -> None:
    post(client, [make_sure("1", 0.5), make_sure("2", 0.7, DAYS[1])])
    page.emulate_media(color_scheme="light")
    sign_in(page, client.key, PATH)
    expect(page.locator("main .loading")).to_have_count(0)
    canvas = "document.querySelector('main canvas').toDataURL()"
    light = page.evaluate(canvas)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"light => {canvas} !== light", arg=light)
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"light => {canvas} === light", arg=light)


def stay_under_way(_: Route) -> None:
    """Neither answer nor reject the call."""


def test_leaving_during_loading_is_not_an_error(client: Client, page: Page) -> None:
    page.route("**/v1/**", stay_under_way)
    sign_in(page, client.key, f"{PATH}&baseline_to={DAYS[1]}")
    expect(page.locator("main .loading")).to_have_count(7)
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name="Compare requests")).to_be_visible()


def test_an_expired_key_leads_to_the_sign_in(page: Page) -> None:
    sign_in(page, "ck_" + "0" * 64, "/overview")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(1)


def test_hostile_names_are_shown_as_text(client: Client, page: Page) -> None:
    for name in ("a", "b"):
        assert client.ingest(make_hostile(name, created_at=f"{DAYS[0]}T12:00:00Z")).status == 201
    sign_in(page, client.key, PATH)
    expect(page.get_by_role("region", name="By model").locator(".groups")).to_contain_text("onerror")
    expect(page.get_by_role("region", name="Mod effects")).to_contain_text("onerror")
    expect(page.locator("main .loading")).to_have_count(0)
    assert page.evaluate(NOTHING_RAN)


def test_no_barrier_is_found(client: Client, page: Page) -> None:
    many = [(day, place) for day in DAYS for place in range(4)]
    post(client, (make_sure(f"{day}-{place}", 0.3 + place / 40, day, active_mod_name="nudge") for day, place in many))
    client.ingest(load_trace("backtrack"))
    sign_in(page, client.key, PATH)
    expect(page.locator("main .loading")).to_have_count(0)
    for summary in page.locator("summary").all():
        summary.click()
    assert_accessible(page)


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
