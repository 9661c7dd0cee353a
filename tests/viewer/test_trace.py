"""The trace view: the text, navigation in it, and where the model was least confident."""

import json
import re

from playwright.sync_api import Page, expect

from tests.support.axe import assert_accessible
from tests.support.browser import hold
from tests.support.client import Client, send
from tests.support.documents import added, forward, make_document, number, one_token, sampled
from tests.support.geometry import find_box
from tests.support.hostile import MARKUP, NOTHING_RAN, make_hostile
from tests.support.trace_page import open_trace, options


def test_forced_discarded_and_unlisted_tokens_differ_in_shape(client: Client, page: Page) -> None:
    open_trace(client, page, "backtrack")
    expect(options(page)).to_have_count(86)
    expect(page.locator(".tokens .is-forced")).to_have_count(16)
    expect(page.locator(".tokens .starts-run")).to_have_count(2)
    expect(page.locator(".tokens .is-discarded")).to_have_count(6)
    expect(page.locator(".tokens .scale-unknown")).to_have_count(14)
    page.get_by_label("Show 6 discarded tokens").uncheck()
    expect(page.locator(".tokens .is-discarded").first).to_be_hidden()
    page.get_by_label("Show 6 discarded tokens").check()
    expect(page.locator(".tokens .is-discarded").first).to_be_visible()


def test_the_least_confident_window_is_one_click_away(client: Client, page: Page) -> None:
    open_trace(client, page, "backtrack")
    lowest = client.get("/v1/confidence/smollm2-backtrack").json["sequence"]["lowest_group_confidence"]
    expect(page.get_by_text(f"tokens 54 to 85: {lowest:.2f} nats")).to_be_visible()
    options(page).first.click()
    page.get_by_role("button", name="Go to the least confident window").click()
    selected = page.locator(".tokens .is-selected")
    expect(selected).to_have_class(re.compile("starts-lowest"))
    expect(page.locator(".tokens .in-lowest")).to_have_count(32)
    expect(page.get_by_role("status")).to_have_text("Least confident window: tokens 54 to 85.")


def test_the_least_confident_words_are_marked(client: Client, page: Page) -> None:
    open_trace(client, page, "backtrack")
    spans = client.get("/v1/confidence/smollm2-backtrack/spans").json["spans"]
    toggle, marked = page.get_by_label("Underline words below 20 %"), page.locator(".tokens .in-words")
    expect(marked).to_have_count(0)
    toggle.check()
    expect(page.get_by_text(f"({len(spans)} passages)")).to_be_visible()
    tokens = client.get("/v1/confidence/smollm2-backtrack").json["tokens"]
    expected = [
        token["text"]
        for span in spans
        for token in tokens[span["first_index"] : span["last_index"] + 1]
        if not (token["forced"] or token["discarded"])
    ]
    expect(marked).to_have_text(expected)
    toggle.uncheck()
    expect(marked).to_have_count(0)


def test_the_panel_follows_keys_pointer_and_clicks(client: Client, page: Page) -> None:
    open_trace(client, page, "force-prefix")
    panel, text = page.get_by_label("Selected token"), page.get_by_role("listbox")
    text.focus()
    page.keyboard.press("Home")
    expect(panel.get_by_role("heading", level=2)).to_have_text("Certainly")
    expect(panel).to_contain_text("Forced by")
    expect(panel).to_contain_text("The model had sampled While (34.3 %).")
    expect(panel).to_contain_text("not in top 20")
    expect(panel).to_contain_text("≤ 0.48 %")
    expect(panel).to_contain_text("≥ 5.35 nats")
    expect(panel).to_contain_text("forcing prefix")
    expect(panel.locator(".bars tbody tr")).to_have_count(21)
    widths = panel.locator(".bars .bar").evaluate_all("bars => bars.map((bar) => bar.getBoundingClientRect().width)")
    assert widths[:-1] == sorted(widths[:-1], reverse=True)
    assert widths[0] > widths[1] > widths[10] > 0
    page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text("Only the first token of a forced run has a top-k list.")
    expect(text).to_have_attribute("aria-activedescendant", "token-1")
    options(page).nth(20).hover()
    expect(panel).to_contain_text("Token 21 of 60")
    page.keyboard.press("End")
    expect(panel).to_contain_text("Token 60 of 60")


def test_a_click_in_the_chart_selects_that_token(client: Client, page: Page) -> None:
    open_trace(client, page, "force-prefix")
    over = page.locator(".trace-course .u-over")
    box = find_box(over)
    over.click(position={"x": box["width"] - 1, "y": 20})
    expect(page.locator(".tokens .is-selected")).to_have_id("token-59")
    expect(page.get_by_role("listbox")).to_be_focused()


def test_another_score_colors_the_text_and_is_in_the_address(client: Client, page: Page) -> None:
    open_trace(client, page, "force-prefix")
    before = options(page).nth(30).get_attribute("class")
    page.get_by_label("Entropy").check()
    expect(page.locator(".reading .legend")).to_contain_text("Entropy, nats")
    expect(page).to_have_url(re.compile(r"\?mode=entropy$"))
    assert options(page).nth(30).get_attribute("class") != before
    page.reload()
    expect(page.get_by_label("Entropy")).to_be_checked()


def test_an_unknown_probability_is_not_shown_as_zero(client: Client, page: Page) -> None:
    bare = [{"event_type": "ForwardPass"}, sampled(8, "eight"), added(8)]
    events = number([forward(), sampled(9, "nine"), added(9), *bare])
    open_trace(client, page, make_document("r", events))
    panel = page.get_by_label("Selected token")
    options(page).first.click()
    expect(panel).to_contain_text("≤ 17.1 %")
    options(page).nth(1).click()
    expect(panel.locator("dd").first).to_have_text("unknown")
    expect(panel).not_to_contain_text("0.00 %")
    shown = page.locator(".figures").inner_text() + page.locator(".reading").inner_text()
    assert "correct" not in shown.lower()


def test_the_table_shows_the_same(client: Client, page: Page) -> None:
    open_trace(client, page, "force-prefix")
    page.get_by_text("Tokens as a table").click()
    rows = page.locator(".token-table tbody tr")
    expect(rows).to_have_count(60)
    expect(rows.first).to_contain_text("≤ 0.48 %")
    expect(rows.first).to_contain_text("forced by")


def test_an_exception_of_a_mod_is_shown_first(client: Client, page: Page) -> None:
    open_trace(client, page, "mod-exception")
    expect(page.get_by_role("tab", name="Exceptions (1)")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel")).to_contain_text("KeyError: 'state'")
    expect(page.get_by_role("tabpanel")).to_contain_text("Traceback (most recent call last)")
    assert_accessible(page, ".tab-panel")


def test_calls_and_effects_of_mods_are_shown(client: Client, page: Page) -> None:
    open_trace(client, page, "force-prefix")
    page.get_by_role("tab", name="Interventions").click()
    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text("≥ 5.35 nats")
    expect(panel).to_contain_text("While 34.3 %")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Mod calls (1)")).to_be_focused()
    expect(panel).to_contain_text("forcing prefix")
    panel.get_by_role("button", name="token 1", exact=True).click()
    expect(page.locator(".tokens .is-selected")).to_have_id("token-0")


def test_the_raw_json_is_that_of_the_api(client: Client, page: Page) -> None:
    open_trace(client, page, make_document("r", number(one_token())))
    page.get_by_role("tab", name="Raw JSON").click()
    shown = page.locator(".json").inner_text()
    assert json.loads(shown) == client.log("r")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "r.json"


def test_empty_and_missing_traces_say_so(client: Client, page: Page) -> None:
    open_trace(client, page, make_document("empty"))
    expect(page.get_by_role("heading", name="No tokens")).to_be_visible()
    page.goto("/view/nothing")
    expect(page.get_by_role("alert")).to_have_text("request_id: there is no request 'nothing'; check the id")


def test_no_barrier_is_found(client: Client, page: Page) -> None:
    open_trace(client, page, "backtrack", "?token=3")
    path = "/logs/smollm2-backtrack"
    assert send(client, "POST", f"{path}/tags", client.key, tag="odd").status == 200
    assert send(client, "POST", f"{path}/discussions", client.key, username="ann", comment="See #3.").status == 201
    assert send(client, "POST", f"{path}/public", client.key).status == 200
    page.reload()
    expect(page.locator(".alternatives")).not_to_contain_text("Loading")
    page.keyboard.press("/")
    page.get_by_role("searchbox").fill("a")
    page.get_by_label("What does confidence mean?").click()
    page.get_by_text("Copy", exact=True).click()
    assert_accessible(page)
    page.get_by_role("button", name="Shortcuts").click()
    assert_accessible(page, "dialog")
    page.get_by_role("button", name="Close", exact=True).click()
    for tab in page.get_by_role("tab").all():
        tab.click()
        expect(page.locator(".tab-panel .loading")).to_have_count(0)
        assert_accessible(page, ".tab-panel")


def test_markup_in_each_field_is_shown_as_text(client: Client, page: Page) -> None:
    document = make_hostile("r")
    open_trace(client, page, document)
    for tab in page.get_by_role("tab").all():
        tab.click()
        expect(page.locator(".tab-panel .loading")).to_have_count(0)
        assert page.evaluate(NOTHING_RAN)
    expect(options(page).first).to_have_text(MARKUP)
    expect(page.get_by_role("heading", level=1)).to_have_text("<img src=x onerror=alert(3)>r")


def test_right_to_left_text_does_not_reverse_numbers(client: Client, page: Page) -> None:
    events = number([forward(), sampled(9, "\u202eevil"), added(9), forward(), sampled(8, "مرحبا"), added(8)])
    open_trace(client, page, make_document("r", events))
    expect(options(page).first).to_have_text("⟨202e⟩evil")
    expect(page.locator(".least-likely code").first).to_have_css("unicode-bidi", "isolate")
    expect(options(page).nth(1)).to_have_css("unicode-bidi", "isolate")


def test_a_slow_tab_does_not_replace_the_next_one(client: Client, page: Page) -> None:
    open_trace(client, page, make_document("r", number(one_token())))
    held = hold(page, "**/logs/r")
    page.get_by_role("tab", name="Raw JSON").click()
    page.get_by_role("tab", name="Share").click()
    expect(page.get_by_role("button", name="Create link")).to_be_visible()
    with page.expect_response("**/logs/r"):
        held[0].continue_()
    expect(page.get_by_role("button", name="Create link")).to_be_visible()
    expect(page.locator(".json")).to_have_count(0)
