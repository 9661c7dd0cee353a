"""The head of a trace: the summary in words, the prompt as a chat, and what to do with the request."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.axe import assert_accessible
from tests.support.browser import sign_in
from tests.support.client import Client, make_key
from tests.support.documents import Document, action, call, make_document, number, one_token
from tests.support.geometry import SIZES, fits
from tests.support.hostile import RUN
from tests.support.trace_page import make_words, open_trace

WRAPPED = "wrapped_client_mod_"
CRASHED = (
    "Stopped after 35 tokens, before the limit of 40. crashing was called once and changed nothing. "
    "⚠ crashing raised an exception at token 4: KeyError: 'state'"
)
LINES = """([selector, word]) => {
    // The number of lines that a word is on.
    const walker = document.createTreeWalker(document.querySelector(selector), NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const at = node.data.indexOf(word)
        if (at < 0) continue
        const range = new Range()
        range.setStart(node, at)
        range.setEnd(node, at + word.length)
        return new Set([...range.getClientRects()].map((box) => box.top)).size
    }
    return 0
}"""
BRIGHTNESS = """(names) => {
    // The relative luminance of each background (WCAG 2), as the browser paints it.
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
    return names.map((name) => {
        const one = document.createElement("span")
        one.className = name
        document.querySelector("main").append(one)
        context.fillStyle = getComputedStyle(one).backgroundColor
        one.remove()
        context.fillRect(0, 0, 1, 1)
        const linear = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => value / 255)
            .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    })
}"""


def chat(request_id: str, reason: str, **request: Any) -> Document:
    rows = [{"token": "Hi", "logprob": -0.1, "top_logprobs": [{"token": "Hi", "logprob": -0.1}]}]
    answer = {"index": 0, "message": {"content": "Hi"}, "finish_reason": reason, "logprobs": {"content": rows}}
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hi."}]
    return {
        "request": {"model": "m", "messages": messages, **request},
        "response": {"id": request_id, "model": "m", "choices": [answer]},
    }


def open_chat(client: Client, page: Page, document: Document) -> None:
    assert client.ingest(document).status == 201
    sign_in(page, client.key, f"/view/{document['response']['id']}")
    expect(page.get_by_role("tablist")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        ("ban-the", "Cut off at the limit of 60 tokens. ban_the adjusted the logits 60 times."),
        (
            "backtrack",
            "Cut off at the limit of 80 tokens. backtrack_sorry removed 6 tokens in 2 backtracks and forced 16 tokens.",
        ),
        ("noisy-logger", "Cut off at the limit of 24 tokens. noisy_logger was called 25 times and changed nothing."),
        ("plain-capital", "Cut off at the limit of 60 tokens. No mod was active."),
        (
            "mod-exception",
            CRASHED,
        ),
    ],
)
def test_a_recorded_trace_is_summarized_in_words(client: Client, page: Page, name: str, sentences: str) -> None:
    open_trace(client, page, name)
    expect(page.locator(".story")).to_have_text(sentences)
    for tab in page.get_by_role("tab").all()[:3]:
        tab.click()
        assert WRAPPED not in page.locator("main").inner_text().split("payloads")[0]


def test_speed_and_sampling_parameters_are_shown(client: Client, page: Page) -> None:
    open_trace(client, page, "backtrack")
    facts = "1.17 s · 69 tokens/s · 6 prompt tokens · temperature 0.7 · max_tokens 80"
    expect(page.locator(".summary .facts")).to_have_text(facts)
    open_chat(client, page, chat("c", "stop", temperature=0.2, top_p=0.9, seed=7, max_tokens=10, stream=True))
    expect(page.locator(".summary .facts")).to_contain_text("temperature 0.2 · top_p 0.9 · seed 7 · max_tokens 10")
    expect(page.locator(".summary .facts")).not_to_contain_text("stream")


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("stop", "Stopped by itself after 1 token (stop)."),
        ("length", "Cut off at the limit of 10 tokens (length)."),
        ("content_filter", "⚠ Stopped by a filter (content_filter)."),
        ("tool_calls", "Ended with tool calls (tool_calls)."),
        ("tired", "Ended after 1 token: tired."),
    ],
)
def test_the_reason_of_the_server_is_explained(client: Client, page: Page, reason: str, sentence: str) -> None:
    open_chat(client, page, chat("c", reason, max_tokens=10))
    expect(page.locator(".story")).to_contain_text(sentence)


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("EmitError", {"error_message": "no quota"}, "⚠ nudge ended the request with an error at token 1: no quota"),
        ("EmitError", {"error_message": 5}, "⚠ nudge ended the request with an error at token 1."),
        (
            "ToolCalls",
            {"tool_calls": [{"function": {"name": "search"}}, {"name": "open"}, 3]},
            "nudge ended the request with 3 tool calls (search, open, unnamed) at token 1.",
        ),
        ("ToolCalls", {"has_tool_calls": True}, "nudge ended the request with tool calls at token 1."),
    ],
)
def test_an_action_that_ends_the_request_is_the_ending(
    client: Client, page: Page, kind: str, fields: dict[str, Any], sentence: str
) -> None:
    ended = make_document(
        "r",
        number(one_token()),
        request={"max_tokens": 1},
        mod_calls=[call(1, mod=f"{WRAPPED}nudge")],
        actions=[action(kind, **fields)],
    )
    open_trace(client, page, ended)
    expect(page.locator(".story")).to_contain_text(sentence)
    page.locator(".story").get_by_role("button", name="token 1").click()
    expect(page.locator(".tokens .is-pinned")).to_have_id("token-0")


def test_the_prompt_is_a_chat_by_role(client: Client, page: Page) -> None:
    open_chat(client, page, chat("c", "stop"))
    region = page.get_by_role("region", name="Prompt")
    expect(region.locator(".message .role")).to_have_text(["system", "user"])
    expect(region.locator(".message .content")).to_have_text(["Be brief.", "Say hi."])
    many = [{"role": "user", "content": f"Message {place}."} for place in range(9)]
    open_chat(client, page, chat("many", "stop", messages=[*many, {"role": RUN, "content": RUN}]))
    expect(region.get_by_text("4 earlier messages")).to_be_visible()
    expect(region.locator(".message .role").last).to_have_text(RUN)
    expect(region.get_by_text("Message 0.")).to_be_hidden()
    region.get_by_text("4 earlier messages").click()
    expect(region.get_by_text("Message 0.")).to_be_visible()


def test_interventions_are_grouped_with_their_effect(client: Client, page: Page) -> None:
    open_trace(client, page, "ban-the")
    group = page.get_by_role("tabpanel").locator(".group")
    expect(group).to_have_count(1)
    expect(group.locator("summary")).to_contain_text(
        re.compile(
            r"ban_the adjusted logits, 60 times · confidence [\d.]+ % before, [\d.]+ % after · surprisal ≥ [\d.]+ nats"
        )
    )
    group.locator("summary").click()
    expect(group.locator("tbody tr")).to_have_count(51)  # a page of 50, and the button for the rest
    group.get_by_role("button", name="Show more (10)").click()
    expect(group.locator("tbody tr")).to_have_count(60)


def test_an_outcome_takes_one_key_and_keeps_its_note(client: Client, page: Page) -> None:
    open_trace(client, page, make_words("r", 5, 6))
    right, wrong = page.get_by_role("button", name="Right"), page.get_by_role("button", name="Wrong")
    page.keyboard.press("w")
    expect(wrong).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("n")
    page.get_by_label("Note", exact=True).fill("It lies.")
    page.keyboard.press("r")  # types
    page.get_by_role("button", name="Save note").click()
    expect(page.get_by_text("It lies.r")).to_be_visible()
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("r")
    expect(right).to_have_attribute("aria-pressed", "true")
    expect(wrong).to_have_attribute("aria-pressed", "false")
    (outcome,) = client.get("/logs/r/outcome").json["outcomes"]
    assert (outcome["source"], outcome["correct"], outcome["note"]) == ("user", True, "It lies.r")
    page.reload()
    expect(right).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("It lies.r")).to_be_visible()
    right.click()
    expect(right).to_have_attribute("aria-pressed", "false")
    assert client.get("/logs/r/outcome").json["outcomes"][0]["correct"] is None


def test_a_key_that_may_only_read_is_told_so(client: Client, page: Page) -> None:
    assert client.ingest(make_words("r", 5, user_api_key="u")).status == 201
    key = make_key(client, name="reader", allowed_api_key="u", scopes=["read"])["api_key"]
    sign_in(page, key, "/view/r")
    page.get_by_role("button", name="Right").click()
    expect(page.get_by_role("alert")).to_contain_text("curate")


@pytest.fixture
def copying(browser: Browser, client: Client) -> Iterator[Page]:
    """A page that may use the clipboard."""
    context = browser.new_context(base_url=client.url, permissions=["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def test_id_text_link_and_command_are_copied(client: Client, copying: Page) -> None:
    open_trace(client, copying, "force-prefix", "?token=12")
    for name, expected in (
        ("id", "smollm2-force-prefix"),
        ("text", client.log("smollm2-force-prefix")["final_text"]),
        ("link", f"{client.url}/view/smollm2-force-prefix?token=12"),
        ("curl command", f"curl -sS -H \"X-API-Key: $KEY\" '{client.url}/logs/smollm2-force-prefix'"),
    ):
        copying.get_by_text("Copy", exact=True).click()
        copying.get_by_role("button", name=name, exact=True).click()
        expect(copying.get_by_text(f"Copied the {name}.").first).to_be_visible()
        assert copying.evaluate("navigator.clipboard.readText()") == expected


def test_trace_log_and_chart_are_downloaded(client: Client, page: Page) -> None:
    open_trace(client, page, "force-prefix")
    for name, file in (
        ("trace", "smollm2-force-prefix.trace.json"),
        ("log", "smollm2-force-prefix.json"),
        ("chart as PNG", "smollm2-force-prefix.png"),
    ):
        page.get_by_text("Download", exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.suggested_filename == file
        content = download.value.path().read_bytes()
        if file.endswith(".png"):
            assert content.startswith(b"\x89PNG")
        else:
            path = "/logs/smollm2-force-prefix" + ("/trace" if ".trace." in file else "")
            assert json.loads(content) == client.get(path).json


def test_a_request_is_deleted_with_a_receipt(client: Client, page: Page) -> None:
    open_trace(client, page, make_words("r", 5))
    page.get_by_role("button", name="Delete …").click()
    dialog = page.get_by_role("dialog", name="Delete this request?")
    dialog.get_by_role("button", name="Cancel").click()
    assert client.get("/logs/r").status == 200
    page.get_by_role("button", name="Delete …").click()
    dialog.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_role("heading", name="Deleted permanently")).to_be_visible()
    (receipt,) = client.get("/v1/deletions?request_id=r").json["deletions"]
    expect(page.get_by_text(receipt["request_sha256"])).to_be_visible()
    assert client.get("/logs/r").status == 404


def test_the_expiry_of_a_link_is_shown_again_later(client: Client, page: Page) -> None:
    assert client.ingest(make_words("r", 5)).status == 201
    body = b'{"expires_at": "2099-01-02T03:04:05Z"}'
    assert client.post_bytes("/logs/r/public", body, x_api_key=client.key).status == 200
    sign_in(page, client.key, "/view/r")
    page.get_by_role("tab", name="Share").click()
    expect(page.get_by_text("Expires on 2 Jan 2099")).to_be_visible()
    page.get_by_role("button", name="Revoke link").click()
    page.get_by_role("button", name="Create link").click()
    expect(page.get_by_text("Does not expire.")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_low_surprisals_have_different_colors(client: Client, page: Page, *, dark: bool) -> None:
    page.emulate_media(color_scheme="dark" if dark else "light")
    open_trace(client, page, make_words("r", 5))
    names = page.locator(".reading .legend .swatches .swatch").evaluate_all("all => all.map((one) => one.className)")
    values = page.evaluate(BRIGHTNESS, [name.replace("swatch", "").strip() for name in names])
    pairs = [sorted(pair) for pair in itertools.pairwise(values)]
    ratios = [(high + 0.05) / (low + 0.05) for low, high in pairs]
    assert min(ratios[:2]) > 1.2
    assert min(ratios) > 1.08


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_long_names_fit_and_words_stay_whole(
    client: Client, browser: Browser, width: int, height: int, *, dark: bool
) -> None:
    context = browser.new_context(
        base_url=client.url, viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    long = "model" + "x" * 195
    document = make_document(
        "a-request-with-" + "y" * 180,
        number(one_token()),
        request={"model": long, "user_prompt": "z" * 3000, "active_mod_name": "w" * 200},
        mod_calls=[call(1, mod="v" * 200, exception_occurred=True, exception_message="u" * 500)],
        actions=[action("EmitError", error_message="t" * 500)],
    )
    open_trace(client, page, document)
    assert fits(page)
    open_trace(client, page, "backtrack")
    assert fits(page)
    words = (".story", "backtrack_sorry"), (".trace-head .facts", "SmolLM2-135M-Instruct-Q4_1")
    for selector, word in words:
        assert page.evaluate(LINES, [selector, word]) == 1
    assert_accessible(page)
    context.close()
