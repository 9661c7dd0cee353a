"""The frame around the views: signing in and out, its policy, and addresses that name nothing."""

from playwright.sync_api import Page, expect

from tests.client import Client


def test_a_key_is_asked_for_tried_and_forgotten_when_signing_out(page: Page) -> None:
    page.goto("/compare")
    page.get_by_role("link", name="Requests").click()
    page.evaluate("sessionStorage.clear()")
    assert page.evaluate("sessionStorage.length") == 0


def test_the_policy_lets_nothing_else_run(client: Client) -> None:
    answer = client.get("/")
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_an_address_that_names_nothing_says_so(page: Page) -> None:
    page.goto("/view/no-such-request")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
