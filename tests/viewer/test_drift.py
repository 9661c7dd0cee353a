"""The sections "Drift" and "Calibration" of the overview."""

import json
import re

import psycopg
from playwright.sync_api import Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.geometry import wait_until_it_fits
from tests.support.labels import draw_labels, post_labelled
from tests.support.overview_page import DAYS, PATH, make_sure, post


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
    expect(section.get_by_text("1 labeled request; at least 100 are needed")).to_be_visible()
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
    wait_until_it_fits(page)
