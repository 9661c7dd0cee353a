"""Regressions of faults that a review found."""

from functools import partial

import psycopg
import pytest

from tests.support import posts
from tests.support.client import Client, make_key, send
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY
from tests.support.streams import open_socket, receive_close

ANN = "key-of-ann"
post = partial(posts.post, user=ANN)


HARD = ["-" * 500, "- " * 300, "-(" * 200 + "a", "!!! ---", "a" + " -b" * 300, '"' * 99, "or " * 300]


@pytest.mark.parametrize("q", HARD)
def test_a_query_of_any_text_is_answered(client: Client, q: str) -> None:
    post(client, "r1", final_text="b c")
    answer = client.request("GET", f"/logs?q={q.replace(' ', '+')}", None, x_api_key=ADMIN_KEY)
    assert answer.status in {200, 400}, answer.data


def test_a_query_without_words_finds_nothing(client: Client) -> None:
    post(client, "r1")
    assert client.get("/logs?q=!!!+--").json["returned"] == 0


def test_an_issued_key_sent_as_a_name_is_stored_as_its_name(client: Client, sql: psycopg.Connection) -> None:
    post(client, "r1")
    key = make_key(client, name="boss", is_admin=True)["api_key"]
    number = send(client, "POST", "/collections", ANN, name="c").json["collection"]["id"]
    for caller, sent, shown in ((key, key, "boss"), (ADMIN_KEY, ADMIN_KEY, "admin"), (ADMIN_KEY, key, "boss")):
        send(client, "DELETE", f"/collections/{number}/requests", ANN, request_id="r1")
        send(client, "POST", f"/collections/{number}/requests", caller, request_id="r1", added_by=sent)
        (row,) = send(client, "GET", f"/collections/{number}", ANN).json["requests"]
        assert row["added_by"] == shown
        send(client, "POST", "/logs/r1/favorite", caller, name=sent)
        send(client, "POST", "/logs/r1/tags", caller, tag=f"by {caller}")
        send(client, "POST", "/logs/r1/discussions", caller, username=sent, comment=f"mine is {caller}")
        send(client, "POST", "/collections", caller, name=f"of {caller}", description=caller, created_by=sent)
    tables = "requests, discussions, collections, collection_members"
    stored = str(sql.execute(f"select * from {tables}".encode()).fetchall())
    for secret in (key, ADMIN_KEY):
        assert secret not in stored


def test_a_favorite_is_found_by_the_key_that_was_sent(client: Client) -> None:
    post(client, "r1")
    send(client, "POST", "/logs/r1/favorite", ANN, name=ANN)
    assert client.get(f"/logs?favorited_by={ANN}").json["returned"] == 1


def test_a_word_that_equals_a_key_stays_a_word(client: Client) -> None:
    post(client, "r1")
    client.ingest(make_document("r2", request={"user_api_key": "important"}))
    assert send(client, "POST", "/logs/r1/tags", ANN, tag="important").json["tags"] == ["important"]
    assert client.get("/logs?tag=important").json["returned"] == 1


def test_the_name_of_a_model_may_have_any_length(client: Client) -> None:
    name = "".join(chr(0x4E00 + index * 7 % 20000) for index in range(6000))
    post(client, "r1", model=name)
    assert client.log("r1")["model_id"] == name
    assert client.get("/logs").json["data"][0]["model_id"] == name[:500]


def test_a_list_shows_the_start_of_a_text(client: Client) -> None:
    post(client, "r1", final_text="x" * 200_000)
    number = send(client, "POST", "/collections", ANN, name="c").json["collection"]["id"]
    send(client, "POST", f"/collections/{number}/requests", ANN, request_id="r1")
    assert len(client.get("/logs").json["data"][0]["final_text"]) == 65_536
    assert len(client.get(f"/collections/{number}").json["requests"][0]["final_text"]) == 65_536
    assert len(client.log("r1")["final_text"]) == 200_000
    for accepted in ("gzip", "br", "zstd"):
        assert client.get("/logs", accept_encoding=accepted).json["returned"] == 1


REFUSED = ["zstd;q=0;x=1", "zstd;level=3;q=0", "zstd;q=-1", "zstd;q=abc", "*;q=0", "br;q=0, gzip;q=0"]


@pytest.mark.parametrize("accepted", REFUSED)
def test_an_encoding_with_quality_zero_is_not_used(client: Client, accepted: str) -> None:
    post(client, "r1", final_text="x" * 5000)
    for path in ("/logs/r1", "/logs/r1/trace", "/logs"):
        assert client.get(path, accept_encoding=accepted).headers.get("Content-Encoding") is None


def test_an_empty_parameter_equals_a_missing_one(client: Client) -> None:
    post(client, "r1")
    query = "limit=&offset=&collection_id=&has_exception=&min_confidence=&created_from=&tag=&q=&cursor=&api_key="
    assert client.get(f"/logs?{query}").json["returned"] == 1


def test_a_stream_ends_with_the_last_request_of_its_user(client: Client) -> None:
    post(client, "r1")
    with open_socket(client, query={"api_key": ANN}) as socket:
        assert send(client, "DELETE", "/logs/r1", ADMIN_KEY).status == 200
        assert receive_close(socket)[0] == 1000
