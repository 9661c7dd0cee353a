"""GET /v1/confidence/groups/{group_id}, and the votes of POST /v1/score."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY
from tests.support.servers import server_thread

ANSWERS = (("It is 4.", 0.5), ("4", 0.6), ("It is 5.", 0.99), ("four", 0.9))
EVIL = "%5E(a%7Ca)*c"


def make_choices(*answers: tuple[str, float]) -> list[dict[str, Any]]:
    return [
        {
            "index": i,
            "message": {"content": text},
            "logprobs": {
                "content": [
                    {
                        "token": text,
                        "logprob": math.log(prob),
                        "top_logprobs": [{"token": text, "logprob": math.log(prob)}, {"token": "x", "logprob": -9.0}],
                    }
                ]
            },
        }
        for i, (text, prob) in enumerate(answers)
    ]


def test_the_answers_of_one_prompt_vote(client: Client) -> None:
    assert client.ingest({"id": "sum", "choices": make_choices(*ANSWERS)}).status == 207
    plain = client.get("/v1/confidence/groups/sum").json
    assert plain["n"] == 4
    assert plain["votes"]["majority"] == {"answer": "It is 5.", "share": 0.25, "request_ids": ["sum~2"]}
    votes = client.get("/v1/confidence/groups/sum?pattern=%5B0-9%5D").json["votes"]
    assert votes["majority"] == {"answer": "4", "share": pytest.approx(2 / 3), "request_ids": ["sum~0", "sum~1"]}
    assert votes["weighted"] == {
        "answer": "4",
        "share": pytest.approx(1.1 / 2.09),
        "request_ids": ["sum~0", "sum~1"],
    }
    # Half of three, rounded up. The two have the lower logprobs in their lists, so the higher lowest group confidence.
    assert votes["filtered"] == {"answer": "4", "share": 1.0, "request_ids": ["sum~0", "sum~1"]}


def test_quote_traces_with_a_group_id_vote(client: Client) -> None:
    for i in range(3):
        request = {"group_id": "q", "final_text": "yes" if i else "no<|im_end|>"}
        assert client.ingest(make_document(f"quote {i}", number(one_token()), request=request)).status == 201
    votes = client.get("/v1/confidence/groups/q").json["votes"]
    assert votes["majority"] == {"answer": "yes", "share": pytest.approx(2 / 3), "request_ids": ["quote 1", "quote 2"]}


def test_the_end_of_a_long_answer_votes(client: Client) -> None:
    long = "1 " * 20_000
    assert (
        client.ingest({"id": "long", "choices": make_choices((f"{long}4", 0.5), (f"{long}{long}4", 0.5))}).status == 207
    )
    votes = client.get("/v1/confidence/groups/long?pattern=%5B2-9%5D").json["votes"]
    assert votes["majority"] == {"answer": "4", "share": 1.0, "request_ids": ["long~0", "long~1"]}


@pytest.mark.parametrize("group_id", ["absent", "summary", "a%00b", "x" * 600])
def test_an_absent_group_is_not_found(client: Client, group_id: str) -> None:
    assert client.get(f"/v1/confidence/groups/{group_id}").status == 404


@pytest.mark.parametrize("pattern", ["(", "%5B", "a" * 501, "%00"])
def test_an_invalid_pattern_is_refused(client: Client, pattern: str) -> None:
    client.ingest({"id": "bad", "choices": make_choices(*ANSWERS)})
    for answer in (
        client.get(f"/v1/confidence/groups/bad?pattern={pattern}"),
        client.post_bytes(f"/v1/score?pattern={pattern}", b'{"tokens": []}', x_api_key=ADMIN_KEY),
    ):
        assert answer.status == 400
        assert answer.json["error"].removeprefix("query.").startswith("pattern: ")


def test_a_pattern_that_backtracks_forever_is_stopped(client: Client) -> None:
    client.ingest({"id": "evil", "choices": make_choices(("a" * 90, 0.5), ("a" * 80, 0.6))})
    answer = client.get(f"/v1/confidence/groups/evil?pattern={EVIL}")
    assert answer.status == 400
    assert answer.json["error"].startswith("pattern: takes more than 2 s of CPU time")
    assert client.get("/v1/confidence/groups/evil?pattern=a").status == 200


@pytest.fixture(scope="module")
def alone() -> Iterator[Client]:
    """The web function of /v1/score, without a database."""
    with server_thread(factory="functions.deployed:score") as server:
        yield server


def score(client: Client, body: object, query: str = "") -> dict[str, Any]:
    answer = client.post_bytes(f"/v1/score{query}", json.dumps(body).encode(), x_api_key=client.key)
    assert answer.status == 200, answer.data
    return answer.json


def test_the_choices_of_a_scored_response_vote(alone: Client) -> None:
    body = {"id": "r", "choices": make_choices(*ANSWERS)}
    report = score(alone, body, "?pattern=%5B0-9%5D")
    assert report["n"] == 4
    assert report["votes"]["majority"]["request_ids"] == ["r~0", "r~1"]
    assert report == score(alone, {"request": {"n": 4}, "response": body}, "?pattern=%5B0-9%5D")
    whole = score(alone, {"choices": make_choices(*ANSWERS)})
    assert whole["votes"]["majority"]["request_ids"] == ["~2"]


def test_one_answer_does_not_vote(alone: Client) -> None:
    tokens: list[object] = []
    for body in ({"tokens": tokens}, {"choices": make_choices(("a", 0.5))}, make_document(events=number(one_token()))):
        report = score(alone, body, "?pattern=a")
        assert (report["n"], report["votes"]) == (1, None)


def test_a_scored_response_has_spans(alone: Client) -> None:
    report = score(alone, {"tokens": [{"text": "[1,", "logprob": -0.1}, {"text": " 2]", "logprob": -3}]})
    assert [(one["start"], one["end"], one["text"]) for one in report["spans"]] == [(4, 6, "2]")]
    assert [one["path"] for one in report["json"]] == ["/0", "/1"]
    assert score(alone, {"tokens": [{"text": "a", "logprob": -0.1}]}, "?below=0.95")["spans"][0]["text"] == "a"
