"""The calibrated probability in the trace view and in the feed."""

import json

import psycopg
from playwright.sync_api import Page, expect

from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.labels import draw_labels, make_answer, post_labelled


def test_a_trace_and_its_row_show_p_correct_and_the_calibrator(
    client: Client, sql: psycopg.Connection, page: Page
) -> None:
    post_labelled(client, sql, draw_labels(120))
    body = json.dumps({"score": "sequence_confidence", "method": "platt"}).encode()
    calibrator = client.post_bytes("/v1/calibrators", body, x_api_key=client.key).json["calibrator"]
    receipt = client.ingest(make_answer("new", 0.7, final_text="a calibrated answer")).json
    shown = f"{receipt['p_correct'] * 100:.1f} %"
    named = f"calibrator {calibrator['id']}, version 1"

    sign_in(page, client.key, "/view/new")
    heading = page.get_by_role("heading", name="Probability of a correct answer")
    expect(heading).to_be_visible()
    facts = page.locator(".figures > div", has=heading)
    expect(facts.get_by_text(shown, exact=True)).to_be_visible()
    expect(facts).to_contain_text(named)

    page.goto(f"{client.url}/")
    row = page.get_by_role("article", name="a calibrated answer")
    expect(row.get_by_text(f"p_correct {shown}")).to_be_visible()
    expect(row.locator(".calibrated")).to_have_attribute(
        "title", f"Calibrated probability that the answer is correct ({named})"
    )

    page.goto(f"{client.url}/view/l0")
    expect(page.get_by_role("heading", name="Confidence", exact=True)).to_be_visible()
    expect(heading).to_have_count(0)
