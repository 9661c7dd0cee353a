"""Query parameters are never ignored: unknown and repeated ones are rejected, whatever their values look like."""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from tests.support.client import Answer, Client
from tests.support.databases import Databases
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.openapi import DOCUMENT
from tests.support.posts import post
from tests.support.servers import server_thread
from tests.support.streams import open_socket, receive_close

OPERATIONS = [
    (path, [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"])
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method == "get" and not path.endswith(".png")  # chat programs append parameters to images, too
]
PARAMETERS = [(path, name) for path, names in OPERATIONS for name in names if path != "/logs/stream"]
TEXT_FILTERS = ("api_key", "model", "mod", "tag", "favorited_by", "q")

BASE64 = st.binary(min_size=1, max_size=12).map(lambda raw: base64.b64encode(raw).decode())
VALUES = BASE64 | BASE64.map(lambda text: f"{text}==") | st.sampled_from(["=", "==", "a=b", "1", "%", "+", "json", "é"])


@pytest.fixture(scope="module")
def client(databases: Databases) -> Iterator[Client]:
    url = databases.create("parameters")
    with server_thread(url, THUNDER_SECRET=SECRET) as client:
        document = make_document(events=number(one_token()), request={"user_api_key": "key-of-ann"})
        assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201
        yield client
    databases.drop("parameters")


def ask(client: Client, path: str, query: str) -> Answer:
    filled = path
    for name, text in {"request_id": "r1", "collection_id": "1", "discussion_id": "1", "token": "x"}.items():
        filled = filled.replace(f"{{{name}}}", text)
    return client.get(f"{filled}?{query}", accept="application/json")


def sentence(answer: Answer) -> Any:
    return answer.json["message"]


@pytest.mark.parametrize(("path", "name"), PARAMETERS, ids=lambda part: part)
def test_equivalent_encodings_of_a_value_are_equal(client: Client, path: str, name: str) -> None:
    @seed(f"{path} {name}")
    @settings(max_examples=4, deadline=None, database=None)
    @given(value=VALUES)
    def compare(value: str) -> None:
        plain = ask(client, path, f"{name}={quote(value, safe='=')}")
        encoded = ask(client, path, f"%{ord(name[0]):02x}{name[1:]}={quote(value, safe='')}")
        assert (plain.status, plain.data) == (encoded.status, encoded.data)
        twice = ask(client, path, f"{name}={quote(value, safe='=')}&{name}={quote(value, safe='')}")
        assert (twice.status, sentence(twice)) == (400, f"{name}: given more than once; send it once")
        assert ask(client, path, f"{name}=&{name}={quote(value, safe='=')}").data == plain.data

    compare()


@pytest.mark.parametrize(("path", "name"), PARAMETERS, ids=lambda part: part)
def test_a_parameter_without_a_value_is_absent(client: Client, path: str, name: str) -> None:
    absent = ask(client, path, "")
    for empty in (f"{name}=", name, f"{name}=&{name}="):
        answer = ask(client, path, empty)
        assert (answer.status, answer.data) == (absent.status, absent.data)


@pytest.mark.parametrize("name", TEXT_FILTERS)
@given(value=BASE64)
@settings(max_examples=20, deadline=None, database=None, derandomize=True)
def test_a_filter_value_may_end_in_an_equals_sign(client: Client, name: str, value: str) -> None:
    answer = ask(client, "/logs", f"{name}={quote(f'{value}==', safe='=')}")
    assert (answer.status, answer.json["data"]) == (200, [])


@pytest.mark.parametrize(("path", "names"), OPERATIONS, ids=lambda part: part if isinstance(part, str) else "")
def test_each_route_rejects_unknown_parameters_and_lists_its_own(client: Client, path: str, names: list[str]) -> None:
    takes = f"this route takes {', '.join(sorted(names))}" if names else "this route takes none"
    for query in ("api_ky=x", "api_ky=c2Vj==", "%61pi_ky=x"):
        answer = ask(client, path, query)
        assert (answer.status, sentence(answer)) == (400, f"api_ky: unknown parameter; {takes}")


def test_a_write_with_an_unknown_parameter_changes_nothing(client: Client) -> None:
    answer = client.post_bytes("/logs/r1/tags?tgs=x", b'{"tag": "t"}', x_api_key=ADMIN_KEY)
    assert (answer.status, sentence(answer)) == (400, "tgs: unknown parameter; this route takes none")
    assert client.get("/logs/r1/tags").json["tags"] == []


def test_a_share_link_opens_with_tracking_parameters_of_chat_programs(client: Client) -> None:
    token = client.post_bytes("/logs/r1/public", b"{}", x_api_key=ADMIN_KEY).json["public_token"]
    assert client.get(f"/share/request/{token}?fbclid=x", accept="text/html").status == 200
    assert client.get(f"/share/request/{token}?fbclid=x", accept="application/json").status == 400


@pytest.mark.parametrize("name", [name for path, names in OPERATIONS if path == "/logs/stream" for name in names])
def test_the_stream_accepts_each_of_its_parameters(client: Client, name: str) -> None:
    answer = ask(client, "/logs/stream", f"{name}=x")
    assert "unknown parameter" not in sentence(answer)


def test_a_websocket_accepts_the_filters_of_the_feed(client: Client) -> None:
    with open_socket(
        client, query={"api_key": ADMIN_KEY, "model": "m", "q": "word", "has_exception": "true"}
    ) as socket:
        post(client, "other")
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.2)


def test_a_websocket_with_an_unknown_parameter_is_closed(client: Client) -> None:
    with open_socket(client, query={"api_key": ADMIN_KEY, "modl": "m"}) as socket:
        code, reason = receive_close(socket)
    assert (code, reason.partition(";")[0]) == (1008, "modl: unknown parameter")
