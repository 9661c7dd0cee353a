"""The viewer: its files, its routes and its security policy."""

import http.client
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from functions.web.modules import FOLDER
from tests.support.browser import BROWSER
from tests.support.client import Client
from tests.support.documents import make_document, number, one_token
from tests.support.openapi import DOCUMENT
from tests.support.servers import Serve

PAGES = (
    "/",
    "/view/r1",
    "/view/a%2Fb",
    "/compare?a=r1&b=r2",
    "/overview",
    "/overview/",
    "/score",
    "/keys",
    "/sign-in",
    "/docs",
)
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())
TYPES = {
    ".txt": "text/plain",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    "": "application/octet-stream",
}


def get_raw(client: Client, path: str) -> tuple[int, bytes]:
    """GET a path exactly as written. Other clients normalize dots."""
    connection = http.client.HTTPConnection(urlsplit(client.url).netloc)
    connection.putrequest("GET", path, skip_accept_encoding=True)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_equal_for_all_callers_and_contains_no_data(client: Client, path: str) -> None:
    request = {"user_api_key": "key-of-ann-0123456789", "final_text": "private words", "model": "private model"}
    client.ingest(make_document("r1", number(one_token()), request=request))
    pages = [client.request("GET", path, accept=BROWSER), client.get(path, accept=BROWSER)]
    assert [page.status for page in pages] == [200, 200]
    assert pages[0].data == pages[1].data
    assert b"private" not in pages[0].data
    assert b"key-of-ann" not in pages[0].data


@pytest.mark.parametrize("path", ["/", "/viewer/app.js", "/viewer/icon.svg", "/nothing/here"])
def test_only_the_servers_own_scripts_run(client: Client, path: str) -> None:
    answer = client.request("GET", path, accept=BROWSER)
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy == {
        **dict.fromkeys(("script-src", "style-src", "img-src", "connect-src"), "'self'"),
        **dict.fromkeys(("default-src", "base-uri", "form-action", "frame-ancestors", "trusted-types"), "'none'"),
        "require-trusted-types-for": "'script'",
    }
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_each_page_has_a_policy(client: Client) -> None:
    paths = [*PAGES, "/docs", "/redoc", "/nothing", "/share/x", "/share/request/x", "/share/x/request/y"]
    paths += [re.sub(r"{\w+}", "1", path) for path in DOCUMENT["paths"]]
    pages = 0
    for path in paths:
        answer = client.get(path, accept=f"{BROWSER},text/event-stream;q=0")
        if answer.headers["Content-Type"].startswith("text/html"):
            pages += 1
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
            assert b"//cdn" not in answer.data
    assert pages >= len(PAGES) + 6


def test_no_page_runs_scripts_of_other_sites(client: Client) -> None:
    page = client.request("GET", "/docs", accept=BROWSER)
    sources = re.findall(rb'(?:src|href)="([^"]*)"', page.data)
    assert len(sources) > 5
    assert all(re.match(rb"/(?!/)", source) for source in sources)
    assert client.get("/openapi.json").json["openapi"].startswith("3.")
    assert client.request("GET", "/docs/oauth2-redirect").status == 404


def test_an_application_without_the_viewer_names_the_document(serve: Serve) -> None:
    answer = serve("functions.deployed:mods").request("GET", "/docs")
    assert (answer.status, "/openapi.json" in answer.json["error"]) == (404, True)


def test_the_overview_for_language_models_names_each_route(client: Client) -> None:
    answer = client.request("GET", "/llms.txt")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    text = answer.data.decode()
    assert text.startswith("# Thunder\n\n> ")
    named = re.findall(r"^- `([A-Z]+) (/\S*)`: [A-Z].+\.$", text, re.MULTILINE)
    paths = DOCUMENT["paths"]
    assert sorted(named) == sorted((method.upper(), path) for path, item in paths.items() for method in item)
    for target in re.findall(r"\]\((/\S*)\)", text):
        assert client.get(target).status == 200


def test_the_viewer_is_small(client: Client) -> None:
    """The files that a visitor of every view loads, as they are sent to a browser."""
    names = [name for name in FILES if not name.startswith("vendor/swagger-ui/") and not name.startswith("docs.")]
    headers = {"Accept-Encoding": "gzip, deflate, br, zstd"}
    urls = [f"{client.url}/viewer/{name}" for name in names if not name.endswith(("LICENSE", ".html"))]
    sizes = [len(client.pool.request("GET", url, headers=headers, decode_content=False).data) for url in urls]
    assert 50_000 < sum(sizes) < 250_000, sum(sizes)


def test_each_file_has_its_type_and_is_not_sent_twice(client: Client) -> None:
    assert len(FILES) > 10
    for name in FILES:
        answer = client.request("GET", f"/viewer/{name}")
        if name.endswith(".html"):
            assert answer.status == 404, "it is a template, not a page"
            continue
        assert (answer.status, answer.data) == (200, (FOLDER / name).read_bytes())
        assert answer.headers["Content-Type"].split(";")[0] == TYPES[Path(name).suffix]
        assert answer.headers["Cache-Control"] == "no-cache"
        again = client.request("GET", f"/viewer/{name}", if_none_match=answer.headers["ETag"])
        assert (again.status, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/viewer/../api.py",
        "/viewer/%2e%2e/api.py",
        "/viewer/..%2fapi.py",
        "/viewer/lib/../../api.py",
        "/viewer/lib/%2e%2e/%2e%2e/api.py",
        "/viewer/..%5capi.py",
        "/viewer/..%252fapi.py",
        "/viewer//etc/passwd",
        "/viewer/%2fetc%2fpasswd",
        "/viewer/../../.env",
        "/viewer/%00",
        "/viewer/app.js%00.css",
        "/viewer/" + "a" * 3000,
        "/viewer",
        "/viewer/",
        "/viewer/lib",
        "/viewer/views/",
        "/viewer/nothing.js",
    ],
)
def test_files_outside_the_folder_and_directory_lists_are_not_served(client: Client, path: str) -> None:
    status, body = get_raw(client, path)
    assert status == 404, path
    assert b"import" not in body
    assert b"root:" not in body


def test_an_unknown_address_is_a_page_only_for_browsers(client: Client) -> None:
    page = client.request("GET", "/nothing/here", accept=BROWSER)
    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert b"Not found" in page.data
    for accept in ("*/*", "application/json"):
        answer = client.request("GET", "/nothing/here", accept=accept)
        assert (answer.status, answer.json["error"]) == (404, "path: /nothing/here does not exist; see /openapi.json")
    sentence = client.get("/logs/nobody", accept=BROWSER).json["error"]
    assert sentence == "request_id: there is no request 'nobody'; check the id"


def test_the_viewer_works_without_a_database(serve: Serve) -> None:
    client = serve()
    assert client.request("GET", "/", accept=BROWSER).status == 200
    assert client.request("GET", "/viewer/app.js").status == 200
