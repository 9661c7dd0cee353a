"""The viewer shows answers of every source like traces."""

from playwright.sync_api import Page, expect

from tests.support.answers import load, make_chat, post
from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.documents import load_trace


def test_an_answer_of_another_server_is_shown_with_its_source(page: Page, client: Client) -> None:
    assert post(client, {"request_id": "r", "request": {}, "response": load("vllm_chat")}).status == 201
    sign_in(page, client.key)
    row = page.get_by_role("article")
    expect(row).to_contain_text("openai")
    expect(row).to_contain_text("Paris.")
    row.get_by_role("link", name="Paris.").click()
    head = page.locator(".trace-head")
    expect(head).to_contain_text("openai")
    expect(head).to_contain_text("2 forward passes")
    expect(page.locator(".trace-head .figure").first).to_contain_text("82.9")


def test_a_group_links_to_its_answers(page: Page, client: Client) -> None:
    assert post(client, {"request_id": "g", "request": {}, "response": make_chat("one", "two")}).status == 207
    assert post(client, make_chat("other")).status == 201
    sign_in(page, client.key, "/view/g~1")
    page.get_by_role("link", name="group g").click()
    expect(page.get_by_role("article")).to_have_count(2)


def test_a_failed_call_and_warnings_are_shown(page: Page, client: Client) -> None:
    assert post(client, {"request_id": "r", "request": {}, "error": "timed out"}).status == 201
    chat = make_chat("Paris")
    del chat["choices"][0]["logprobs"]
    assert post(client, chat).status == 201
    sign_in(page, client.key, "/view/r")
    expect(page.locator(".trace-head")).to_contain_text("The call failed: timed out")
    page.goto("/view/chat-1")
    expect(page.locator(".trace-head")).to_contain_text("this response has no logprobs")


def test_an_answer_is_compared_with_a_trace(page: Page, client: Client) -> None:
    assert client.ingest(load_trace("plain-capital")).status == 201
    assert post(client, {"request_id": "r", "request": {}, "response": load("vllm_chat")}).status == 201
    sign_in(page, client.key, "/compare?a=r&b=smollm2-plain-capital")
    expect(page.get_by_role("main")).to_contain_text("Paris.")
    expect(page.locator(".bad")).to_have_count(0)
