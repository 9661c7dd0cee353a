"""The view that scores a pasted response without storing it."""

import json
import re
from pathlib import Path

import psycopg
from playwright.sync_api import Page, expect

from tests.support.axe import assert_accessible
from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.documents import load_trace
from tests.support.feed_page import HOSTILE
from tests.support.labels import make_answer
from tests.support.trace_page import options


def score(page: Page, body: object) -> None:
    page.get_by_label("Response").fill(body if isinstance(body, str) else json.dumps(body))
    page.get_by_role("button", name="Score", exact=True).click()


def test_a_pasted_response_is_read_like_a_request_and_not_stored(
    client: Client, page: Page, sql: psycopg.Connection
) -> None:
    sign_in(page, client.key, "/score")
    score(page, load_trace("force-prefix"))
    tokens = page.locator(".token")
    expect(tokens.first).to_be_visible()
    assert tokens.count() >= 60
    expect(page.get_by_role("tab", name="Raw JSON")).to_be_visible()
    expect(page.get_by_role("tab", name="Share")).to_have_count(0)
    page.get_by_role("tab", name="Raw JSON").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("smollm2-force-prefix")
    assert_accessible(page, ".score-form")
    score(page, make_answer("one", 0.5))
    expect(page.get_by_role("tabpanel")).not_to_contain_text("smollm2-force-prefix")
    assert sql.execute("select count(*) from requests").fetchone() == (0,)


def test_the_list_of_a_response_without_events_is_shown(client: Client, page: Page) -> None:
    sign_in(page, client.key, "/score")
    page.get_by_role("button", name="Use an example").click()
    page.get_by_role("button", name="Score", exact=True).click()
    page.get_by_role("button", name="Go to the least likely token").click()
    details = page.locator("aside.details")
    expect(details).to_contain_text("2 of 3")
    expect(details).to_contain_text("Canberra")
    expect(page.get_by_role("region", name="Result")).to_be_visible()


def test_a_stream_or_a_file_can_be_scored(client: Client, page: Page, tmp_path: Path) -> None:
    sign_in(page, client.key, "/score")
    parts = [make_part("It", -0.1), make_part(" is", -0.7)]
    score(page, "".join(f"data: {part}\n\n" for part in parts))
    expect(options(page)).to_have_text(["It", " is"])
    score(page, "\n".join([make_part("So", -0.1), make_part(" be", -0.7), make_part(" it", -0.7)]))
    expect(options(page)).to_have_text(["So", " be", " it"])
    file = tmp_path / "response.json"
    file.write_text(json.dumps(load_trace("force-prefix")))
    page.get_by_label("Open a file").set_input_files(file)
    expect(page.get_by_label("Response", exact=True)).to_have_value(re.compile("smollm2-force-prefix"))


def make_part(token: str, logprob: float) -> str:
    content = [{"token": token, "logprob": logprob, "top_logprobs": []}]
    choice = {"index": 0, "delta": {"content": token}, "logprobs": {"content": content}}
    return json.dumps({"id": "x", "model": "m", "choices": [choice]})


def test_errors_say_what_to_do(client: Client, page: Page) -> None:
    sign_in(page, client.key, "/score")
    score(page, "{")
    expect(page.get_by_role("alert")).to_contain_text("Not JSON")
    score(page, {"choices": [{"index": 0, "text": "a", "logprobs": {"tokens": ["a"], "token_logprobs": [0.5]}}]})
    expect(page.get_by_role("alert")).to_contain_text("it must be ≤ 0")
    page.get_by_label("Answer").fill("3")
    page.get_by_role("button", name="Use an example").click()
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("choice: the body has 1 answers")


def test_hostile_text_is_text(client: Client, page: Page) -> None:
    sign_in(page, client.key, "/score")
    tokens = {"tokens": [HOSTILE, "b"], "token_logprobs": [-0.5, -0.7], "top_logprobs": [{HOSTILE: -0.5}, {"b": -0.7}]}
    choice = {"index": 0, "text": f"{HOSTILE}b", "finish_reason": HOSTILE, "logprobs": tokens}
    score(page, {"model": HOSTILE, "choices": [choice]})
    expect(page.locator(".token").filter(has_text="<img src=x onerror=").first).to_be_visible()
    assert page.locator("main img, main script").count() == 0
