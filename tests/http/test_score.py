"""POST /v1/score: responses of all supported shapes are scored without a database, and not stored."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import load
from tests.support.client import Answer, Client
from tests.support.documents import load_trace, make_document, number, one_token
from tests.support.servers import server_thread

PARTS = {"k", "logprobs_mode", "alignment", "warnings", "sequence", "tokens", "interventions"}
PARTS |= {"p_correct", "calibrator", "spans", "json", "n", "votes"}


@pytest.fixture(scope="module")
def alone() -> Iterator[Client]:
    """The web function of /v1/score, without a database."""
    with server_thread(factory="functions.deployed:score") as client:
        yield client


def score(client: Client, body: object) -> Answer:
    return client.post_bytes("/v1/score", json.dumps(body).encode(), x_api_key=client.key)


def test_plain_tokens_are_scored_without_a_database(alone: Client) -> None:
    top = [{"token": 1, "prob": 0.6}, {"token": 2, "prob": 0.3}, {"token": 3, "prob": 0.1}]
    tokens = [{"token": 1, "top_tokens": top}, {"text": "x", "logprob": -2.0}, {"token": 2, "forced": True}]
    answer = score(alone, {"tokens": tokens, "window": 4, "top_p": 0.8, "logprobs_mode": "raw_logprobs"})
    assert answer.status == 200, answer.data
    report = answer.json
    assert set(report) == PARTS
    assert (report["k"], report["logprobs_mode"], report["alignment"]) == (3, "raw_logprobs", None)
    first, second, third = report["tokens"]
    assert first["prob"] == pytest.approx(0.6)
    assert (first["rank"], first["top_p_count"], first["index"]) == (1, 2, 0)
    assert (second["logprob"], second["entropy"]) == (-2.0, None)
    assert (third["forced"], third["prob"]) == (True, None)
    assert report["sequence"]["sequence_confidence"] == pytest.approx(math.exp((math.log(0.6) - 2) / 2))
    assert report["sequence"]["window"] == 4


def test_no_tokens_give_nulls(alone: Client) -> None:
    report = score(alone, {"tokens": []}).json
    coverage = report["sequence"].pop("coverage")
    assert report["sequence"].pop("window") == 32
    assert set(coverage.values()) == {0}
    assert set(report["sequence"].values()) == {None}
    assert (report["k"], report["tokens"], report["interventions"], report["warnings"]) == (None, [], [], [])


def test_a_quote_trace_is_scored_as_if_it_were_stored(alone: Client) -> None:
    report = score(alone, load_trace("backtrack")).json
    assert report["alignment"] == "exact"
    assert [one["action_type"] for one in report["interventions"]] == ["Backtrack", "Backtrack"]
    assert report["interventions"][0]["discarded"]["tokens"] == 3
    assert report["interventions"][0]["overridden_text"] == " combination"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"hello": 1},
        [],
        "text",
        None,
        {"tokens": 1},
        {"tokens": [{"logprob": 0.5}]},
        {"tokens": [], "window": 0},
        {"tokens": [], "vocab_size": "many"},
        {"request": {}, "events": []},
        {"choices": []},
        {"choices": [{"message": {"content": "hi"}}]},
    ],
)
def test_an_unreadable_response_is_rejected_with_an_explanation(alone: Client, body: Any) -> None:
    answer = score(alone, body)
    assert answer.status == 400
    assert len(answer.json["error"]) > 10


def test_scoring_requires_a_key_and_stores_nothing(alone: Client) -> None:
    assert alone.post_bytes("/v1/score", b'{"tokens": []}').status == 401
    assert score(alone, make_document(events=number(one_token()))).status == 200


def test_nan_is_not_json(alone: Client) -> None:
    answer = alone.post_bytes("/v1/score", b'{"tokens": [{"logprob": NaN}]}', x_api_key=alone.key)
    assert (answer.status, "NaN" in answer.json["error"]) == (400, True)


def test_forced_runs_of_plain_tokens_are_interventions(alone: Client) -> None:
    reference = json.loads((Path(__file__).parents[1] / "confidence" / "reference.json").read_bytes())
    sequence = next(one for one in reference["sequences"] if one["id"] == "s08_forced")
    tokens = [{name: step.get(name) for name in ("token", "forced", "top_tokens")} for step in sequence["steps"]]
    report = score(alone, {"tokens": tokens, "vocab_size": sequence["vocab_size"]}).json
    assert len(report["interventions"]) == 2
    for found, expected in zip(report["interventions"], sequence["expected"]["interventions"], strict=True):
        assert [found["first_index"], found["last_index"]] == expected.pop("forced_steps")
        assert found["window"] == expected.pop("w")
        assert {name: found[name] for name in expected} == {
            name: pytest.approx(value, rel=1e-9) for name, value in expected.items()
        }


def test_a_response_may_be_sent_with_its_request_and_options(alone: Client) -> None:
    response = load("openai_responses")
    whole = score(alone, {"request": {"top_logprobs": 2}, "response": response, "top_p": 0.5, "window": 1}).json
    assert (whole["k"], whole["alignment"], whole["sequence"]["window"]) == (2, "exact", 1)
    assert whole["tokens"][0]["top_p_count"] == 1


@pytest.mark.parametrize("top_p", [0, 1.0000000149, 0.3])
def test_sampling_parameters_are_not_options(alone: Client, top_p: float) -> None:
    response = load("openai_responses")
    assert score(alone, response | {"top_p": top_p}).json == score(alone, response | {"top_p": None}).json
    chat = load("openai_chat")
    assert score(alone, chat | {"top_p": top_p}).status == 200
    assert score(alone, {"tokens": [], "top_p": top_p}).status == (200 if 0 < top_p <= 1 else 400)
