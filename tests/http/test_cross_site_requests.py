"""Web pages of other sites cannot post traces where ingest is open, whatever their visitor's browser sends."""

import http.client
import json
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.support.client import Client
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import Serve

BODY = json.dumps(make_document()).encode()
JSON = {"Content-Type": "application/json"}


def post(client: Client, headers: dict[str, str], *hosts: str) -> tuple[int, str]:
    """Post a trace with exactly these headers, including those that most clients set themselves."""
    place = urlsplit(client.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port or 80, timeout=30)
    connection.putrequest("POST", "/v1/ingest", skip_host=True, skip_accept_encoding=True)
    for host in hosts or (place.netloc,):
        connection.putheader("Host", host)
    for name, value in {"Content-Length": str(len(BODY)), **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(BODY)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer.get("message", "")


FOREIGN = [
    {**JSON, "Origin": "https://evil.example"},
    {**JSON, "Origin": "null"},
    {**JSON, "Origin": "http://127.0.0.1:1"},
    {**JSON, "Origin": "https://evil.example", "X-API-Key": "made-up"},
    {**JSON, "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_post_from_a_page_of_another_site_is_rejected(
    client: Client, sql: psycopg.Connection, headers: dict[str, str]
) -> None:
    status, sentence = post(client, headers)
    assert (status, "ALLOWED_ORIGINS" in sentence) == (403, True)
    assert sql.execute("select count(*) from requests").fetchone() == (0,)


def test_a_post_without_a_content_type_is_accepted_only_from_programs(client: Client) -> None:
    assert post(client, {})[0] == 201
    assert post(client, {"Origin": "https://evil.example"})[0] == 403


@pytest.mark.parametrize(
    "hosts",
    [
        ("evil.example",),
        ("evil.example:6767",),
        ("localhost.evil.example",),
        ("10.0.0.1",),
        ("[",),
        ("",),
        ("user@127.0.0.1",),
        ("evil.example@localhost",),
        ("localhost@evil.example",),
        ("localhost/",),
        ("localhost#.evil.example",),
        ("evil.example\\@localhost",),
        ("[::2]",),
        ("[::ffff:10.0.0.1]",),
        ("0.0.0.0",),
        ("localhost:80:80",),
        ("localhost:x",),
        ("127.0.0.1.evil.example",),
        ("localhost", "localhost"),
        ("localhost", "evil.example"),
    ],
)
def test_a_host_other_than_loopback_is_rejected(client: Client, hosts: tuple[str, ...]) -> None:
    """With DNS rebinding, page and server have the same origin for the browser."""
    status, sentence = post(client, {**JSON, "Origin": f"http://{hosts[0]}"}, *hosts)
    assert (status, "ALLOWED_HOSTS" in sentence) == (403, True)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "thunder.localhost", "127.1.2.3:6767", "[::1]:6767"])
def test_all_names_of_loopback_are_accepted(client: Client, host: str) -> None:
    assert post(client, JSON, host)[0] == 201
    assert post(client, {**JSON, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}, host)[0] == 201


def test_settings_add_hosts_and_origins(serve: Serve, database_url: str) -> None:
    client = serve(
        DATABASE_URL=database_url,
        THUNDER_SECRET=SECRET,
        INGEST_AUTH="open",
        ALLOWED_HOSTS="other.example, thunder.example",
        ALLOWED_ORIGINS="https://ui.example/, HTTPS://App.example",
    )
    assert post(client, JSON, "thunder.example:8080")[0] == 201
    assert post(client, {**JSON, "Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"})[0] == 201
    for origin in ("https://app.example", "https://ui.example"):
        assert client.request("GET", "/health", origin=origin).headers["Access-Control-Allow-Origin"] == origin
    assert post(client, {**JSON, "Origin": "https://evil.example"})[0] == 403
    assert post(client, JSON, "thunder.example.evil")[0] == 403


def test_only_the_key_counts_where_ingest_is_not_open(serve: Serve, database_url: str) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET)
    nothing: dict[str, str] = {}
    for headers in (nothing, *FOREIGN):
        assert post(client, {**headers, "X-API-Key": ADMIN_KEY}, "thunder.example")[0] == 201
