"""The overview: its filters, mods, themes and empty states. Each section has tests of its own."""

import psycopg
from playwright.sync_api import Page, expect

from tests.support.alerts import create
from tests.support.axe import assert_accessible
from tests.support.browser import hold, sign_in
from tests.support.client import Client
from tests.support.documents import action, added, call, forward, load_trace, make_document, number, sampled
from tests.support.hostile import MARKUP, NOTHING_RAN, make_hostile
from tests.support.labels import draw_labels, post_labelled
from tests.support.overview_page import DAYS, PATH, make_sure, post


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


def test_leaving_during_loading_is_not_an_error(client: Client, page: Page) -> None:
    hold(page, "**/v1/**")
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


def test_no_barrier_is_found(client: Client, sql: psycopg.Connection, page: Page) -> None:
    many = [(day, place) for day in DAYS for place in range(4)]
    post(client, (make_sure(f"{day}-{place}", 0.3 + place / 40, day, active_mod_name="nudge") for day, place in many))
    post_labelled(client, sql, draw_labels(110), created_at=f"{DAYS[0]}T12:00:00Z")
    client.ingest(load_trace("backtrack"))
    create(client, "https://receiver.invalid/hook", name=MARKUP)
    sign_in(page, client.key, f"{PATH}&target_error=0.9")
    expect(page.locator("main .loading")).to_have_count(0)
    expect(page.get_by_role("cell", name="receiver.invalid")).to_be_visible()
    for summary in page.locator("main summary").all():
        summary.click()
    assert_accessible(page)
    assert page.evaluate(NOTHING_RAN)
