"""/docs: Swagger UI without the network, under the policy of the viewer."""

from playwright.sync_api import Page, Route, expect

from tests.support.client import Client
from tests.support.feed_page import post


def test_it_works_offline_and_with_the_sign_in_of_the_browser(client: Client, page: Page) -> None:
    post(client, "a")
    foreign: list[str] = []

    def allow_own(route: Route) -> None:
        if route.request.url.startswith(client.url):
            route.continue_()
        else:
            foreign.append(route.request.url)
            route.abort()

    page.route("**/*", allow_own)
    page.goto("/sign-in")
    page.get_by_label("API key").fill(client.key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name="Requests")).to_be_visible()
    page.goto("/docs")
    operation = page.locator("#operations-logs-list_logs_logs_get")
    expect(operation).to_be_visible(timeout=60_000)  # Swagger UI renders a large document
    operation.locator("button.opblock-summary-control").evaluate("button => button.click()")
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table tbody .response-col_status").first).to_have_text("200")
    expect(operation.locator(".live-responses-table")).to_contain_text('"request_id": "a"')
    assert foreign == []
    # The fixture fails on errors in the console, such as violations of the policy.
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html.dark-mode")).to_have_count(1)
