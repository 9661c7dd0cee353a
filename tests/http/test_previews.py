"""The page of a link: its preview in chat programs, and that markup in traces does nothing. `api` serves the viewer."""

from typing import Any

import pytest

from tests.support.browser import BROWSER
from tests.support.client import Answer, Client, send
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.page import Page
from tests.support.servers import Serve

ATTACK = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&amp;"
USER = "key-of-ann-0123456789"


@pytest.fixture(params=["api", "share"])
def opener(request: pytest.FixtureRequest, serve: Serve, database_url: str, client: Client) -> Client:
    """A server of links: all endpoints on one origin, or the function `share` alone, which has no viewer."""
    if request.param == "api":
        return client
    settings = {"DATABASE_URL": database_url, "THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET}
    return serve("functions.deployed:share", **settings)


def publish(client: Client, **request: Any) -> str:
    events = number(one_token())
    document = make_document("r1", events, request={"user_api_key": USER, **request})
    assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201
    return send(client, "POST", "/logs/r1/public", ADMIN_KEY).json["public_url"]


def find_links(page: Page) -> list[str]:
    """Return all links except the one that skips the header."""
    return [link for link in page.links if link != "#main"]


def open_page(client: Client, url: str, accept: str = BROWSER) -> Answer:
    return client.request("GET", url, None, accept=accept)


def test_a_page_describes_model_prompt_and_confidence(client: Client, opener: Client) -> None:
    link = publish(client, model="SmolLM2", user_prompt="Is it\n\n honest? " + "word " * 100, final_text="Certainly!")
    answer = open_page(opener, link)
    page = Page(answer.data.decode())
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert f"<title>{page.meta['og:title']}</title>" in answer.data.decode()
    assert page.meta["og:title"] == page.meta["twitter:title"] == "Inference Log - SmolLM2"
    assert page.meta["og:description"].startswith("Is it honest? word word")
    assert page.meta["og:description"] == page.meta["twitter:description"] == page.meta["description"]
    assert len(page.meta["og:description"]) <= 180
    assert page.meta["twitter:image:alt"] == "SmolLM2, confidence 60.7%"  # exp(-0.5)
    assert "correct" not in answer.data.decode()
    assert page.meta["robots"] == answer.headers["X-Robots-Tag"] == "noindex"
    (further,) = find_links(page)
    assert open_page(opener, link + further).json["request_id"] == "r1"


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("TEXT/HTML;Q=0.1", True),
        ("text/html, application/json", True),
        ("application/json, text/html", False),
        ("application/json, text/html;q=0.9", False),
        ("application/json;q=0.5, text/html;q=0.9", True),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
        ("application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_accept_html_returns_the_page_and_all_else_json(client: Client, accept: str, is_page: bool) -> None:  # noqa: FBT001
    link = publish(client)
    answer = open_page(client, link, accept)
    assert answer.headers["Content-Type"].startswith("text/html" if is_page else "application/json")
    assert "Accept" in answer.headers["Vary"].split(", ")
    assert open_page(client, f"{link}/?format=json", accept).json["request_id"] == "r1"
    assert client.request("GET", f"{link}?format=xml", None, accept="*/*").status == 400


@pytest.mark.parametrize("field", ["model", "final_text", "user_prompt"])
def test_text_of_a_trace_is_never_markup(client: Client, opener: Client, field: str) -> None:
    link = publish(client, **{field: ATTACK})
    answer = open_page(opener, link)
    page = Page(answer.data.decode())
    assert "img" not in page.tags
    assert page.scripts == (["/viewer/app.js"] if opener is client else [])
    assert "<script>alert(1)</script>" in page.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(
        "default-src 'none'; " + ("script-src 'self';" if opener is client else "style-src 'sha256-")
    )
    assert "unsafe" not in policy
    assert (answer.headers["Referrer-Policy"], answer.headers["X-Content-Type-Options"]) == ("no-referrer", "nosniff")


def test_the_page_of_an_unknown_or_revoked_link_says_so(client: Client, opener: Client) -> None:
    link = publish(client)
    send(client, "DELETE", "/logs/r1/public", ADMIN_KEY)
    for url in (link, "/share/request/nonsense", "/share/request/%3Cscript%3E"):
        answer = open_page(opener, url)
        page = Page(answer.data.decode())
        assert (answer.status, find_links(page)) == (404, [])
        assert "Link: unknown, revoked or expired; ask its owner for a new one." in page.text
        assert open_page(opener, url, "application/json").json["code"] == 404


def test_a_page_contains_no_keys_or_labels(client: Client, opener: Client) -> None:
    for text in (f"my key is {USER} " * 40, "x" * 470 + f" {USER} y", f"{USER}", "w " * 239 + USER):
        link = publish(client, final_text=text, user_prompt=text, model=f"model of {USER}")
        shown = open_page(opener, link).data.decode()
        for hidden in (USER, "…#", USER[:6]):
            assert hidden not in shown, text


def test_a_request_without_text_or_scores_has_a_page(client: Client) -> None:
    assert client.ingest(make_document("r1"), x_api_key=ADMIN_KEY).status == 201
    link = send(client, "POST", "/logs/r1/public", ADMIN_KEY).json["public_url"]
    page = Page(open_page(client, link).data.decode())
    assert page.meta["og:description"] == "Request without text"
    assert page.meta["og:image:alt"].endswith("confidence unknown")
