"""Link previews: the page that crawlers get, its absolute addresses, and the images."""

import io
from typing import Any

import psycopg
import pytest
from PIL import Image

from functions.web.crawlers import CRAWLERS
from tests.support.browser import BROWSER
from tests.support.client import Answer, Client, send
from tests.support.documents import action, call, forward, load_trace, make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.page import Page
from tests.support.servers import Serve

ATTACK = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&amp;"
USER = "key-of-ann-0123456789"
BOT = "Mozilla/5.0 (compatible; TwitterBot/1.0)"
MARK = (251, 191, 36)
NAMES = {
    *("og:title", "og:description", "og:image", "og:image:width", "og:image:height", "og:image:type", "og:type"),
    *("og:url", "og:site_name", "twitter:card", "twitter:title", "twitter:description", "twitter:image"),
    "twitter:image:alt",
}
ADDRESSES = {"og:image", "og:url", "twitter:image"}


def publish(client: Client, document: dict[str, Any]) -> str:
    assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201
    return send(client, "POST", f"/logs/{document['request']['request_id']}/public", ADMIN_KEY).json["public_url"]


def crawl(client: Client, path: str, agent: str = BOT, **headers: str) -> Answer:
    return client.request("GET", path, None, user_agent=agent, **headers)


def read_page(answer: Answer) -> Page:
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), answer.data
    return Page(answer.data.decode())


def read_image(answer: Answer) -> Image.Image:
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png"), answer.data
    image = Image.open(io.BytesIO(answer.data))
    assert (image.format, image.size) == ("PNG", (1200, 628))
    return image.convert("RGB")


def count_marked(image: Image.Image) -> int:
    """Count the pixels of the color of marks inside the card of the answer."""
    card = image.crop((64, 322, 1136, 486))
    return sum(count for count, color in card.getcolors(card.width * card.height) or () if is_mark(color))


def measure_bar(image: Image.Image) -> int:
    return sum(is_mark(image.getpixel((x, 132))) for x in range(1200))


def is_mark(color: object) -> bool:
    """Return whether a color is the color of marks. The palette of an image shifts its colors a little."""
    return isinstance(color, tuple) and all(abs(a - b) < 12 for a, b in zip(color, MARK, strict=True))


@pytest.mark.parametrize("word", CRAWLERS)
def test_crawlers_get_the_page_whatever_they_accept(client: Client, word: str) -> None:
    link = publish(client, make_document("r1", number(one_token()), request={"user_prompt": "hm?"}))
    for agent in (f"{word}/2.0", word.upper(), f"Mozilla/5.0 ({word.title()}; +http://x)"):
        for accept in ("*/*", "application/json", "image/png", ""):
            page = read_page(crawl(client, link, agent, accept=accept))
            assert page.meta["og:description"] == "hm?"
    assert crawl(client, f"{link}?format=json").json["request_id"] == "r1"
    assert crawl(client, link, "curl/8").json["request_id"] == "r1"
    assert "User-Agent" in crawl(client, link, "curl/8").headers["Vary"]


def test_the_tags_are_those_of_the_contract_with_absolute_addresses(client: Client) -> None:
    link = publish(client, make_document("r1", number(one_token()), request={"model": "m", "user_prompt": "w " * 200}))
    page = read_page(crawl(client, link))
    assert set(page.meta) >= NAMES
    assert page.meta["og:url"] == client.url + link
    assert page.meta["og:image"] == page.meta["twitter:image"] == f"{client.url}{link}/og-image.png"
    assert [page.meta[f"og:image:{name}"] for name in ("width", "height", "type")] == ["1200", "628", "image/png"]
    assert page.meta["twitter:card"] == "summary_large_image"
    assert page.meta["og:title"] == "Inference Log - m"
    assert page.meta["og:description"].startswith("w w w")
    assert len(page.meta["og:description"]) <= 180
    answer = crawl(client, page.meta["og:image"].removeprefix(client.url), "curl/8")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    read_image(answer)


@pytest.mark.parametrize(
    ("host", "scheme", "base"),
    [
        ("thunder.example.com", "https", "https://thunder.example.com"),
        ("thunder.example.com", "https, http", "https://thunder.example.com"),
        ("thunder.example.com", "HTTPS,http", "https://thunder.example.com"),
        ("thunder.example.com", "http,https", "http://thunder.example.com"),
        ("thunder.example.com:8443", "http", "http://thunder.example.com:8443"),
        ('"><script>alert(1)</script>', "https", None),
        ("a.example/evil", "https", None),
        ("user@evil.example", "https", None),
        ("evil.example?x=", "javascript", None),
    ],
)
def test_the_host_header_is_an_address_only_if_it_is_a_host(
    client: Client, host: str, scheme: str, base: str | None
) -> None:
    link = publish(client, make_document("r1", number(one_token())))
    answer = crawl(client, link, host=host, x_forwarded_proto=scheme)
    page = read_page(answer)
    assert "no-cache" in answer.headers["Cache-Control"]
    assert page.scripts == ["/viewer/app.js"]
    assert page.meta.get("og:url") == (base and base + link)
    assert base or not ADDRESSES & set(page.meta)
    assert host in (base or "") or host not in answer.data.decode()


def test_the_configured_address_wins_over_the_host_header(serve: Serve, database_url: str) -> None:
    client = serve(
        DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET, THUNDER_URL="https://t.example/"
    )
    link = publish(client, make_document("r1", number(one_token())))
    assert read_page(crawl(client, link, host="evil.example")).meta["og:url"] == f"https://t.example{link}"
    page = read_page(crawl(client, "/playground", host="evil.example"))
    assert page.meta["og:image"] == "https://t.example/playground/og-image.png"


def test_the_playground_has_a_preview_for_crawlers_only(client: Client) -> None:
    found = crawl(client, "/playground/", accept="application/json")
    page = read_page(found)
    assert set(page.meta) >= NAMES
    assert page.meta["og:type"] == "website"
    assert "robots" not in page.meta
    assert "X-Robots-Tag" not in found.headers
    assert page.meta["og:url"] == f"{client.url}/playground"
    for accept in (BROWSER, "*/*"):
        answer = crawl(client, "/playground", "Mozilla/5.0", accept=accept)
        assert (answer.status, answer.json["code"]) == (404, 404)
    answer = crawl(client, page.meta["og:image"].removeprefix(client.url), "Mozilla/5.0")
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert read_image(answer)
    assert crawl(client, "/playground/og-image.png").data == answer.data


def test_pages_and_images_accept_the_parameters_of_chat_programs(client: Client) -> None:
    link = publish(client, make_document("r1", number(one_token())))
    for path in ("/playground", link):
        page = read_page(crawl(client, f"{path}?utm_source=x&utm_source=y"))
        assert page.meta["og:url"] == client.url + path
        for agent in (BOT, "curl/8"):
            read_image(crawl(client, f"{path}/og-image.png?v=1", agent))
    assert crawl(client, "/playground?utm_source=x", "Mozilla/5.0", accept=BROWSER).status == 404


@pytest.mark.parametrize("path", ["/playground/activations", "/playground/activations/a/b/c"])
def test_unknown_paths_of_activations_are_json_for_everyone(client: Client, path: str) -> None:
    for agent, accept in ((BOT, "*/*"), ("Mozilla/5.0", BROWSER)):
        answer = crawl(client, f"{path}/none", agent, accept=accept)
        error = answer.json
        assert (answer.status, error["status"], error["error_code"]) == (404, "error", "NOT_FOUND")


@pytest.mark.parametrize("length", [190, 210, 300, 1000])
def test_a_long_injected_text_is_marked_up_to_the_cut(client: Client, length: int) -> None:
    injected = ("abcdefghi " * 100)[:length].strip()

    def draw(request_id: str, output: str, forced: str) -> int:
        document = make_document(
            request_id,
            number([*one_token(), forward()]),
            mod_calls=[call(1)],
            actions=[action("ForceTokens", details={"tokens_as_text": [forced]})],
            request={"final_text": output},
        )
        return count_marked(read_image(client.request("GET", f"{publish(client, document)}/og-image.png")))

    none = draw("r0", "x " * 100, "y")
    begins = draw("r1", f"{injected} and the answer", injected)
    assert begins - none > 60 * min(length, 340)
    late = draw("r2", "x " * 120 + injected + " end", injected)
    assert late - none > 60 * 90


def test_an_image_marks_the_injected_text_and_shows_the_confidence(client: Client) -> None:
    recorded = load_trace("force-prefix")
    image = read_image(client.request("GET", publish(client, recorded) + "/og-image.png"))
    assert count_marked(image) > 1000
    confidence = client.log("smollm2-force-prefix")["sequence_confidence"]
    assert abs(measure_bar(image) - 280 * confidence) < 4
    plain = read_image(client.request("GET", publish(client, load_trace("plain-capital")) + "/og-image.png"))
    assert count_marked(plain) == 0


def test_an_image_follows_its_document_and_its_score(client: Client, sql: psycopg.Connection) -> None:
    def read(text: str) -> bytes:
        request = {"final_text": text, "user_prompt": "x"}
        link = publish(client, make_document("r1", number(one_token()), request=request))
        answers = [client.request("GET", f"{link}/og-image.png") for _ in range(2)]
        assert answers[0].data == answers[1].data
        return answers[0].data

    first = read("one answer")
    assert read("another answer") != first
    assert read("one answer") == first
    sql.execute("update requests set sequence_confidence = 0.25")
    link = send(client, "POST", "/logs/r1/public", ADMIN_KEY).json["public_url"]
    assert abs(measure_bar(read_image(client.request("GET", f"{link}/og-image.png"))) - 70) < 4


def test_an_image_is_gone_with_its_link(client: Client, sql: psycopg.Connection) -> None:
    link = publish(client, make_document("r1", number(one_token())))
    read_image(client.request("GET", f"{link}/og-image.png"))
    sql.execute("update requests set share_expires_at = now() - interval '1 second'")
    assert client.request("GET", f"{link}/og-image.png").status == 404
    sql.execute("update requests set share_expires_at = null")
    read_image(client.request("GET", f"{link}/og-image.png"))
    send(client, "DELETE", "/logs/r1/public", ADMIN_KEY)
    answer = client.request("GET", f"{link}/og-image.png")
    assert (answer.status, answer.json["code"]) == (404, 404)
    assert client.request("GET", "/share/request/guessed/og-image.png").status == 404


@pytest.mark.parametrize(
    "text",
    [
        ATTACK,
        "\0\1\x1b[31m\ud800 \ufffe",
        "x" * 1_000_000,
        "\u202eabc\u2066 שלום مرحبا",
        "e" + "\u0301" * 5000,
        " \n" * 9,
        "",
    ],
)
def test_any_text_has_a_page_and_an_image_without_keys(client: Client, text: str) -> None:
    document = make_document(
        "r1",
        number([*one_token(), forward()]),
        mod_calls=[call(1, mod=f"nudge@{USER}")],
        actions=[action("Noop"), action("ForceTokens", details={"tokens_as_text": [text, USER, 5, None]})],
        request={"model": text, "final_text": text + USER, "user_prompt": USER + text, "user_api_key": USER},
    )
    link = publish(client, document)
    answer = crawl(client, link)
    page = read_page(answer)
    assert "img" not in page.tags
    for hidden in (USER, "…#", USER[:6]):
        assert hidden not in answer.data.decode()
    read_image(client.request("GET", f"{link}/og-image.png"))


def test_responses_of_other_servers_have_a_prompt_and_a_limit(client: Client) -> None:
    body = {
        "request_id": "r2",
        "request": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Is it?"}]},
        "response": {"choices": [{"message": {"role": "assistant", "content": "Yes."}}]},
    }
    assert client.ingest(body, x_api_key=ADMIN_KEY).status == 201
    link = send(client, "POST", "/logs/r2/public", ADMIN_KEY).json["public_url"]
    assert read_page(crawl(client, link)).meta["og:description"] == "Is it?"
    read_image(client.request("GET", f"{link}/og-image.png"))
