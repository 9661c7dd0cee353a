"""Alerts in the overview: create, test, pause and delete them, and read their events."""

import re

from playwright.sync_api import Page, expect

from tests.support.alerts import create
from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post_probs

URL = "https://receiver.invalid/hook"
KINDS: dict[str, tuple[dict[str, float], str]] = {
    "rate": (
        {"threshold": 0.2, "share": 0.1, "window_s": 600},
        "< 20.0 % in at least 10.0 % of the requests of 10 minutes",
    ),
    "drift": ({"threshold": 0.2, "window_s": 600}, "drifted by 0.20 in 10 minutes"),
    "change": ({"threshold": 0.001, "window_s": 600}, "the model has changed in 10 minutes"),
    "silence": ({"window_s": 600}, "no request in 10 minutes"),
    "exception": ({}, "exception or failed call"),
}


def open_section(page: Page, key: str = ADMIN_KEY):  # noqa: ANN201 - a locator
    sign_in(page, key, "/overview")
    section = page.get_by_role("region", name="Alerts")
    expect(section.locator(".loading")).to_have_count(0)
    return section


def test_an_alert_is_created_and_its_secret_is_shown_once(client: Client, page: Page) -> None:
    section = open_section(page)
    expect(section.get_by_text("Create an alert to send a webhook")).to_be_visible()
    section.get_by_text("New alert").click()
    section.get_by_label("Name").fill("unsure answers")
    section.get_by_label("Threshold").fill("0.3")
    section.get_by_label("Model").fill("m")
    section.get_by_label("Webhook URL").fill(URL)
    section.get_by_role("button", name="Create alert").click()
    expect(section.locator("code.secret")).to_have_text(re.compile("^whsec_"))
    row = section.get_by_role("row", name="unsure answers")
    expect(row).to_contain_text("sequence confidence < 30.0 %, model m")
    expect(row).to_contain_text(URL)
    page.reload()
    expect(section.get_by_role("row", name="unsure answers")).to_be_visible()
    expect(section.locator("code.secret")).to_have_count(0)
    (alert,) = client.get("/v1/alerts").json["alerts"]
    assert (alert["threshold"], alert["filters"]["model"], alert["include_prompt"]) == (0.3, "m", False)


def test_each_kind_has_its_own_fields(client: Client, page: Page) -> None:
    section = open_section(page)
    section.get_by_text("New alert").click()
    for kind, (fields, rule) in KINDS.items():
        section.get_by_label("Alert on").select_option(kind)
        section.get_by_label("Name").fill(kind)
        section.get_by_label("Webhook URL").fill(URL)
        if "window_s" in fields:
            section.get_by_label("Window").select_option("600")
        expect(section.get_by_label("Share of requests")).to_be_visible(visible=kind == "rate")
        section.get_by_role("button", name="Create alert").click()
        expect(section.get_by_role("row", name=kind).filter(has_text=rule)).to_be_visible()
        (alert,) = [one for one in client.get("/v1/alerts").json["alerts"] if one["name"] == kind]
        assert {name: alert[name] for name in fields} == fields


def test_errors_of_the_server_are_shown(page: Page) -> None:
    section = open_section(page)
    section.get_by_text("New alert").click()
    section.get_by_label("Name").fill("a")
    section.get_by_label("Webhook URL").fill("https://127.0.0.1/")
    section.get_by_role("button", name="Create alert").click()
    expect(section.get_by_role("alert")).to_contain_text("private or reserved address")


def test_an_alert_is_tested_paused_and_deleted(client: Client, page: Page) -> None:
    create(client, URL)
    section = open_section(page)
    section.get_by_role("button", name="Test low").click()
    expect(section.get_by_role("alert")).to_have_text(
        "The test of low failed: the host has no address; check the name."
    )
    expect(section.get_by_role("row").filter(has_text="failed")).to_contain_text("the host has no address")
    section.get_by_role("button", name="Pause low").click()
    expect(section.get_by_role("cell", name="paused", exact=True)).to_be_visible()
    section.get_by_role("button", name="Resume low").click()
    expect(section.get_by_role("cell", name="active", exact=True)).to_be_visible()
    section.get_by_role("button", name="Delete low").click()
    assert len(client.get("/v1/alerts").json["alerts"]) == 1
    section.get_by_role("button", name="Confirm delete").click()
    expect(section.get_by_text("Create an alert to send a webhook")).to_be_visible()
    assert client.get("/v1/alerts").json["alerts"] == []


def test_events_link_to_their_requests(client: Client, page: Page) -> None:
    create(client, URL)
    post_probs(client, "unsure one", [0.25])
    section = open_section(page)
    row = section.get_by_role("row").filter(has_text="unsure one")
    expect(row).to_contain_text("0.250")
    row.get_by_role("link", name="unsure one").click()
    expect(page).to_have_url(f"{client.url}/view/unsure%20one")
