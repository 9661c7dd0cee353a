"""POST /v1/score/log: the log of a body that is not stored is the one that storing it would give."""

import json
from typing import Any

import psycopg
import pytest

from tests.support.client import Client, send
from tests.support.documents import load_trace
from tests.support.keys import label
from tests.support.labels import make_answer

TIMES = {"created_ts", "revision"}


def preview(client: Client, body: object, query: str = "") -> Any:
    raw = json.dumps(body).encode()
    return client.post_bytes(f"/v1/score/log{query}", raw, x_api_key=client.key)


@pytest.mark.parametrize(
    "body", [load_trace("force-prefix"), make_answer("one", 0.5, model="m")], ids=["quote", "openai"]
)
def test_it_equals_the_stored_log(client: Client, body: dict[str, Any]) -> None:
    shown = preview(client, body)
    assert shown.status == 200, shown.data
    receipt = client.ingest(body).json
    stored = client.log(receipt["request_id"])
    assert shown.json.keys() == stored.keys()
    for name in stored.keys() - TIMES:
        assert shown.json[name] == stored[name], name


def test_nothing_is_stored(client: Client, sql: psycopg.Connection) -> None:
    assert preview(client, load_trace("force-prefix")).status == 200
    assert sql.execute("select count(*) from requests").fetchone() == (0,)


def test_each_answer_can_be_chosen(client: Client) -> None:
    choices = [
        {"index": n, "text": text, "logprobs": {"tokens": [text], "token_logprobs": [-0.5]}}
        for n, text in enumerate(("a", "b"))
    ]
    body = {"id": "two", "choices": choices}
    assert [preview(client, body, f"?choice={n}").json["final_text"] for n in range(2)] == ["a", "b"]
    refused = preview(client, body, "?choice=2")
    assert (refused.status, refused.json["error"]) == (400, "choice: the body has 2 answers; send a number below that")
    assert preview(client, body, "?choice=-1").status == 400


@pytest.mark.parametrize("body", [[load_trace("plain-capital")] * 2, [], 1, {"a": 1}])
def test_a_body_that_is_not_one_item_is_refused(client: Client, body: object) -> None:
    assert preview(client, body).status == 400


def test_user_keys_are_masked(client: Client) -> None:
    body = load_trace("force-prefix")
    body["request"]["user_api_key"] = "a-secret-key-of-ann-1234"
    body["request"]["user_prompt"] = "my key is a-secret-key-of-ann-1234"
    shown = preview(client, body)
    assert shown.json["user_api_key"] == label("a-secret-key-of-ann-1234")
    assert b"a-secret-key-of-ann-1234" not in shown.data
    assert send(client, "POST", "/v1/score/log", None, **body).status == 401
