"""Where ingest is open, a web page of another site can post nothing, whatever it makes its visitor's browser send."""

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
    """Post a trace with exactly these headers, as browsers do and most clients cannot."""
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
def test_a_post_for_another_site_s_page_is_refused(
    client: Client, sql: psycopg.Connection, headers: dict[str, str]
) -> None:
    status, sentence = post(client, headers)
    assert (status, "ALLOWED_ORIGINS" in sentence) == (403, True)
    assert sql.execute("select count(*) from requests").fetchone() == (0,)


def test_a_post_without_a_content_type_is_taken_from_programs_alone(client: Client) -> None:
    assert post(client, {})[0] == 201
    assert post(client, {"Origin": "https://evil.example"})[0] == 403


@pytest.mark.parametrize(
    "hosts", [("evil.example",), ("evil.example:6767",), ("localhost.evil.example",), ("10.0.0.1",), ("[",), ("",)]
)
def test_a_host_that_is_not_loopback_is_refused(client: Client, hosts: tuple[str, ...]) -> None:
    """DNS rebinding: to the browser, page and server are one origin."""
    status, sentence = post(client, {**JSON, "Origin": f"http://{hosts[0]}"}, *hosts)
    assert (status, "ALLOWED_HOSTS" in sentence) == (403, True)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "thunder.localhost", "127.1.2.3:6767", "[::1]:6767"])
def test_loopback_has_many_names(client: Client, host: str) -> None:
    assert post(client, JSON, host)[0] == 201
    assert post(client, {**JSON, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}, host)[0] == 201


def test_settings_list_further_hosts_and_origins(serve: Serve, database_url: str) -> None:
    client = serve(
        DATABASE_URL=database_url,
        THUNDER_SECRET=SECRET,
        INGEST_AUTH="open",
        ALLOWED_HOSTS="other.example, thunder.example",
        ALLOWED_ORIGINS="https://app.example",
    )
    assert post(client, JSON, "thunder.example:8080")[0] == 201
    assert post(client, {**JSON, "Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"})[0] == 201
    assert post(client, {**JSON, "Origin": "https://evil.example"})[0] == 403
    assert post(client, JSON, "thunder.example.evil")[0] == 403


def test_a_key_decides_where_ingest_is_not_open(serve: Serve, database_url: str) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET)
    nothing: dict[str, str] = {}
    for headers in (nothing, *FOREIGN):
        assert post(client, {**headers, "X-API-Key": ADMIN_KEY}, "thunder.example")[0] == 201
