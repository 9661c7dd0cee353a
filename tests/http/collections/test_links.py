"""Links to public collections."""

import base64
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.client import Client, send
from tests.support.collected import ANN, MEMBER_FIELDS, add, make, post
from tests.support.keys import ADMIN_KEY, label


def test_a_link_opens_the_collection_and_its_logs_and_reveals_no_key(client: Client) -> None:
    post(client, "a3", user="a-long-key-of-somebody-else", final_text="my key is a-long-key-of-somebody-else")
    made = make(client, f"{label(ANN)} s", ADMIN_KEY, description="d")
    for request_id in ("a1", "a3"):
        add(client, made["id"], request_id, ADMIN_KEY, added_by=ANN, notes="private")
    share = send(client, "POST", f"/collections/{made['id']}/public/", ADMIN_KEY).json
    assert set(share) == {"collection_id", "is_public", "public_token", "public_url", "message"}
    assert (share["collection_id"], share["is_public"]) == (made["id"], True)
    assert share["public_url"] == f"/share/{share['public_token']}"
    owned = send(client, "GET", f"/collections/{made['id']}", ADMIN_KEY).json["collection"]
    assert (owned["is_public"], owned["public_token"]) == (True, share["public_token"])
    answer = client.request("GET", f"{share['public_url']}/")
    shown = answer.json
    assert set(shown) == {"collection", "requests", "total_requests"}
    assert set(shown["collection"]) == {"id", "name", "description", "created_at", "request_count"}
    assert [set(row) for row in shown["requests"]] == [MEMBER_FIELDS] * 2
    assert (shown["collection"]["request_count"], shown["total_requests"]) == (2, 2)
    log = client.request("GET", f"{share['public_url']}/request/a3")
    assert (log.json["request_id"], log.json["user_api_key"], log.json["public_token"]) == ("a3", None, None)
    for text in (answer.data.decode(), log.data.decode()):
        for hidden in (ANN, "…#", "private", "a-long-key", share["public_token"]):
            assert hidden not in text
    assert client.request("GET", f"{share['public_url']}/request/a2").status == 404
    assert client.request("GET", f"{share['public_url']}/request/%00").status == 404
    assert client.request("GET", f"/share/request/{share['public_token']}").status == 404
    assert client.request("GET", "/logs/a3").status == 401
    page = client.request("GET", f"{share['public_url']}?limit=1&offset=1").json
    assert ([row["request_id"] for row in page["requests"]], page["total_requests"]) == (["a1"], 2)


@pytest.mark.parametrize("kept", [1, 5, 6, 8, 19])
def test_a_text_truncated_within_a_label_reveals_no_part_of_a_key(client: Client, kept: int) -> None:
    key, dots = "KLMNOPQRSTUVWXYZ", "." * (65_536 - len(label("x" * 16)) - kept)
    post(client, "a3", user=key, final_text=f"{key}{dots}{key} and more", model="." * (500 - kept) + key)
    made = make(client, "all", ADMIN_KEY)
    add(client, made["id"], "a3", ADMIN_KEY)
    share = send(client, "POST", f"/collections/{made['id']}/public", ADMIN_KEY).json
    (row,) = client.request("GET", share["public_url"]).json["requests"]
    page = client.request("GET", f"{share['public_url']}/request/a3", accept="text/html").data.decode()
    assert row["final_text"].startswith("…...")
    assert not set(key[:6]) & set(row["final_text"] + row["model_id"])
    assert key[:2] not in page


def test_the_link_of_a_request_opens_no_collection(client: Client) -> None:
    add(client, make(client)["id"], "a1")
    token = send(client, "POST", "/logs/a1/public", ANN).json["public_token"]
    assert client.request("GET", f"/share/{token}").status == 404
    assert client.request("GET", f"/share/{token}/request/a1").status == 404


def test_publishing_twice_returns_one_link_and_a_revoked_link_stops_working(client: Client) -> None:
    path = f"/collections/{make(client)['id']}/public"
    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(send, client, "POST", path, ANN) for _ in range(8)]
        answers = [future.result() for future in futures]
    (link,) = {answer.json["public_url"] for answer in answers}
    assert client.request("GET", link).status == 200
    for message in ("link revoked", "not public"):
        back = send(client, "DELETE", path, ANN).json
        assert (back["is_public"], back["public_token"], back["public_url"]) == (False, None, None)
        assert back["message"] == message
    assert client.request("GET", link).status == 404
    again = send(client, "POST", path, ANN).json["public_url"]
    assert (again != link, client.request("GET", link).status) == (True, 404)


def test_the_page_of_a_link_names_the_collection_and_escapes_markup(client: Client) -> None:
    made = make(client, "<script>alert(1)</script>", description="<img src=x onerror=alert(2)>")
    add(client, made["id"], "a1")
    link = send(client, "POST", f"/collections/{made['id']}/public", ANN).json["public_url"]
    page = client.request("GET", link, None, accept="text/html").data.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "1 request. &lt;img" in page
    assert page.count("<script") == page.count('<script type="module" src="/viewer/app.js">') == 1
    assert "<img" not in page
    member = client.request("GET", f"{link}/request/a1", None, accept="text/html")
    assert (member.status, "text of a1" in member.data.decode()) == (200, True)
    assert client.request("GET", "/share/x", None, accept="text/html").status == 404
    assert client.request("GET", f"{link}/request/nobody", None, accept="text/html").status == 404


def test_tokens_are_not_stored_in_the_database(client: Client, sql: psycopg.Connection) -> None:
    token = send(client, "POST", f"/collections/{make(client)['id']}/public", ANN).json["public_token"]
    stored = sql.execute("select row_to_json(collections)::text from collections").fetchall()
    assert token not in str(stored)
    assert base64.urlsafe_b64decode(token + "=").hex() not in str(stored)
