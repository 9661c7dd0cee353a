"""The head of a trace: the summary in words, the prompt as a chat, and the actions on the request."""

import itertools
import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.axe import assert_accessible
from tests.support.browser import hold, sign_in
from tests.support.client import Client
from tests.support.documents import Document, action, call, load_trace, make_document, number, one_token
from tests.support.geometry import count_lines, resized, wait_until_it_fits, wait_until_shown
from tests.support.hostile import RUN
from tests.support.trace_page import make_words, open_trace, options

WRAPPED = "wrapped_client_mod_"
STORIES = {
    "ban-the": "Cut off at the limit of 60 tokens. ban_the adjusted the logits 60 times.",
    "backtrack": "Cut off at the limit of 80 tokens. "
    "backtrack_sorry removed 6 tokens in 2 backtracks and forced 16 tokens.",
    "noisy-logger": "Cut off at the limit of 24 tokens. noisy_logger was called 25 times and changed nothing.",
    "plain-capital": "Cut off at the limit of 60 tokens. No mod was active.",
    "mod-exception": "Stopped after 35 tokens, before the limit of 40. crashing was called once and changed nothing. "
    "⚠ crashing raised an exception at token 4: KeyError: 'state'",
}
REASONS = {
    "stop": "Stopped after 1 token (stop).",
    "length": "Cut off at the limit of 10 tokens (length).",
    "content_filter": "⚠ Stopped by a filter (content_filter).",
    "tool_calls": "Ended with tool calls (tool_calls).",
    "tired": "Ended after 1 token: tired.",
}
ENDINGS: list[tuple[str, dict[str, Any], str]] = [
    ("EmitError", {"error_message": "no quota"}, "⚠ nudge ended the request with an error at token 1: no quota"),
    ("EmitError", {"error_message": 5}, "⚠ nudge ended the request with an error at token 1."),
    (
        "ToolCalls",
        {"tool_calls": [{"function": {"name": "search"}}, {"name": "open"}, 3]},
        "nudge ended the request with 3 tool calls (search, open, unnamed) at token 1.",
    ),
    ("ToolCalls", {"has_tool_calls": True}, "nudge ended the request with tool calls at token 1."),
]
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


def test_recorded_traces_are_summarized_in_words(client: Client, page: Page) -> None:
    for name, sentences in STORIES.items():
        open_trace(client, page, name)
        expect(page.locator(".story")).to_have_text(sentences)
        for tab in page.get_by_role("tab").all()[:3]:
            tab.click()
            assert WRAPPED not in page.locator("main").inner_text().split("payloads")[0]


def test_what_a_mod_did_leads_to_its_tokens(client: Client, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    open_trace(client, page, "backtrack")
    pinned = page.locator(".tokens .is-pinned")
    for name, kind, indexes in (("removed", "is-discarded", (4, 19)), ("forced", "starts-run", (7, 22))):
        link = page.locator(".story").get_by_role("link", name=name)
        expect(link).to_have_attribute("href", f"/view/smollm2-backtrack?token={indexes[0] + 1}")
        place = page.evaluate("scrollY")
        for index in (*indexes, indexes[0]):  # after the last place, the first again
            link.click()
            expect(pinned).to_have_id(f"token-{index}")
            expect(pinned).to_have_class(re.compile(kind))
            wait_until_shown(page, pinned)
            assert page.evaluate("scrollY") == place, "the page does not jump to a visible token"


def test_speed_and_sampling_parameters_are_shown(client: Client, page: Page) -> None:
    open_trace(client, page, "backtrack")
    facts = "1.17 s · 69 tokens/s · 6 prompt tokens · temperature 0.7 · max_tokens 80"
    expect(page.locator(".summary .facts")).to_have_text(facts)
    open_chat(client, page, chat("c", "stop", temperature=0.2, top_p=0.9, seed=7, max_tokens=10, stream=True))
    expect(page.locator(".summary .facts")).to_contain_text("temperature 0.2 · top_p 0.9 · seed 7 · max_tokens 10")
    expect(page.locator(".summary .facts")).not_to_contain_text("stream")


def test_the_reason_of_the_server_is_explained(client: Client, page: Page) -> None:
    for reason, sentence in REASONS.items():
        open_chat(client, page, chat("c", reason, max_tokens=10))
        expect(page.locator(".story")).to_contain_text(sentence)


def test_an_action_that_ends_the_request_is_the_ending(client: Client, page: Page) -> None:
    for kind, fields, sentence in ENDINGS:
        ended = make_document(
            "r",
            number(one_token()),
            request={"max_tokens": 1},
            mod_calls=[call(1, mod=f"{WRAPPED}nudge")],
            actions=[action(kind, **fields)],
        )
        open_trace(client, page, ended)
        expect(page.locator(".story")).to_have_text(sentence)
    page.locator(".story").get_by_role("button", name="token 1").click()
    expect(page.locator(".tokens .is-pinned")).to_have_id("token-0")


def test_the_prompt_is_a_chat_by_role(client: Client, page: Page) -> None:
    open_chat(client, page, chat("c", "stop"))
    region = page.get_by_role("region", name="Prompt")
    whole = region.get_by_role("button", name="Whole prompt")
    expect(whole).to_be_hidden()
    expect(region.locator(".message .role")).to_have_text(["system", "user"])
    expect(region.locator(".message .content")).to_have_text(["Be brief.", "Say hi."])
    many = [{"role": "user", "content": f"Message {place}."} for place in range(9)]
    open_chat(client, page, chat("many", "stop", messages=[*many, {"role": RUN, "content": RUN}]))
    expect(region.get_by_text("8 earlier messages")).to_be_visible()
    expect(region.locator(".message .role").last).to_have_text(RUN)
    expect(region.get_by_text("Message 0.")).to_be_hidden()
    region.get_by_text("8 earlier messages").click()
    expect(region.get_by_text("Message 0.")).to_be_visible()
    open_chat(client, page, chat("long", "stop", messages=[{"role": "user", "content": "line\n" * 200}]))
    content = region.locator(".message .content")
    assert content.evaluate("one => one.clientHeight") < 100
    whole.click()
    expect(whole).to_have_attribute("aria-expanded", "true")
    assert content.evaluate("one => one.scrollHeight - one.clientHeight") <= 1
    whole.click()
    expect(whole).to_be_visible()
    assert content.evaluate("one => one.clientHeight") < 100


def test_an_answer_without_tokens_is_shown(client: Client, page: Page) -> None:
    document = chat("c", "stop")
    del document["response"]["choices"][0]["logprobs"]
    open_chat(client, page, document)
    expect(page.locator(".story")).to_contain_text("Stopped (stop).")
    expect(page.get_by_label("The text", exact=True)).to_have_text("Hi")
    expect(page.locator("main")).to_contain_text("Without tokens, there are no scores.")


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


def test_prompt_and_answer_are_shown_before_the_log_is_loaded(client: Client, page: Page) -> None:
    assert client.ingest(load_trace("backtrack")).status == 201
    # Its id begins with the id of the other.
    assert client.ingest(make_words("smollm2-backtrack-2", 5)).status == 201
    held = hold(page, "**/logs/smollm2-backtrack")
    sign_in(page, client.key, "/view/smollm2-backtrack")
    expect(page.get_by_text("Loading the scores of 80 tokens …")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("smollm2-backtrack")
    expect(page.get_by_role("region", name="Prompt")).to_contain_text("Why is the sky blue?")
    expect(page.get_by_label("The text", exact=True)).to_contain_text("The answer lies in — wait, let me rethink that.")
    assert_accessible(page)
    held[0].continue_()
    expect(options(page)).to_have_count(86)
    expect(page.get_by_text("Loading the scores")).to_have_count(0)


def test_low_surprisals_have_different_colors(client: Client, page: Page) -> None:
    open_trace(client, page, make_words("r", 5))
    names = page.locator(".reading .legend .swatches .swatch").evaluate_all("all => all.map((one) => one.className)")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        values = page.evaluate(BRIGHTNESS, [name.replace("swatch", "").strip() for name in names])
        pairs = [sorted(pair) for pair in itertools.pairwise(values)]
        ratios = [(high + 0.05) / (low + 0.05) for low, high in pairs]
        assert min(ratios[:2]) > 1.2
        assert min(ratios) > 1.08


def test_long_names_fit_and_words_stay_whole(client: Client, page: Page) -> None:
    long = "model" + "x" * 195
    document = make_document(
        "a-request-with-" + "y" * 180,
        number(one_token()),
        request={"model": long, "user_prompt": "z" * 3000, "active_mod_name": "w" * 200},
        mod_calls=[call(1, mod="v" * 200, exception_occurred=True, exception_message="u" * 500)],
        actions=[action("EmitError", error_message="t" * 500)],
    )
    open_trace(client, page, document)
    for _ in resized(page):
        wait_until_it_fits(page)
    open_trace(client, page, "backtrack")
    for _ in resized(page):
        wait_until_it_fits(page)
        for selector, word in ((".story", "backtrack_sorry"), (".trace-head .facts", "SmolLM2-135M-Instruct-Q4_1")):
            assert count_lines(page, selector, word) == 1
