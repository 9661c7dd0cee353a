"""GET /v1/confidence/{request_id}/spans: the least confident words and the JSON values of a stored answer."""

import json
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.documents import added, forward, load_trace, make_document, number, sampled, trace_names

SPAN = {"start", "end", "text", "confidence", "is_bound", "first_index", "last_index", "alternatives"}
VALUES = '```json\n{"city": "Paris", "a/b~": [1, {}]}\n```'


def make_chat(pieces: list[tuple[str, float]], content: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a response of OpenAI's chat API."""
    rows = [
        {"token": text, "logprob": prob, "top_logprobs": [{"token": text, "logprob": prob}]} for text, prob in pieces
    ]
    message = {"content": "".join(text for text, _ in pieces) if content is None else content}
    return {"choices": [{"index": 0, "message": message, "logprobs": {"content": rows}}], **fields}


@pytest.mark.parametrize("name", trace_names())
def test_the_spans_of_each_recorded_trace_are_parts_of_its_final_text(client: Client, name: str) -> None:
    document = load_trace(name)
    client.ingest(document)
    request_id = document["request"]["request_id"]
    report = client.get(f"/v1/confidence/{request_id}/spans").json
    assert set(report) == {"spans", "json"}
    assert report["json"] is None
    text = client.get(f"/logs/{request_id}").json["final_text"]
    for span in report["spans"]:
        assert set(span) == SPAN
        if span["start"] is not None:
            assert text[span["start"] : span["end"]] == span["text"]
        assert 0 <= span["confidence"] < 0.2
        assert all(set(one) == {"text", "prob"} for one in span["alternatives"])


def test_the_limit_selects_the_spans(client: Client) -> None:
    client.ingest(make_chat([("The", -0.1), (" capital", -3.0), (" is", -0.5), (" Paris", -1.0)], id="limit"))
    path = "/v1/confidence/limit/spans"
    assert [one["text"] for one in client.get(path).json["spans"]] == ["capital"]
    assert [one["text"] for one in client.get(f"{path}?below=0.5").json["spans"]] == ["capital", "Paris"]
    assert [one["text"] for one in client.get(f"{path}?below=1").json["spans"]] == ["The capital is Paris"]
    for below in ("0", "1.1", "-1", "x", "nan"):
        assert client.get(f"{path}?below={below}").status == 400


def test_the_values_of_json_have_pointers_places_and_confidences(client: Client) -> None:
    pieces = [("```json\n{", -0.1), ('"city": ', -0.1), ('"Par', -1.0), ('is"', -0.5), (', "a/b~": [', -0.1)]
    pieces += [("1", -2.0), (", {}]}", -0.25), ("\n```", -0.1)]
    assert client.ingest(make_chat(pieces, VALUES, id="values")).status == 201
    values = client.get("/v1/confidence/values/spans").json["json"]
    assert [(one["path"], VALUES[one["start"] : one["end"]]) for one in values] == [
        ("/city", '"Paris"'),
        ("/a~1b~0/0", "1"),
        ("/a~1b~0/1", "{}"),
    ]
    assert [one["confidence"] for one in values] == [pytest.approx(2.718281828459045**one) for one in (-1.5, -2, -0.25)]
    assert [one["is_bound"] for one in values] == [False, False, False]


def test_a_text_that_the_tokens_do_not_reproduce_has_no_offsets(client: Client) -> None:
    client.ingest(make_chat([("yes", -3.0)], "no", id="other text"))
    report = client.get("/v1/confidence/other%20text/spans").json
    assert [(one["start"], one["end"], one["text"]) for one in report["spans"]] == [(None, None, "yes")]
    assert report["json"] is None


def test_offsets_count_code_points_even_where_tokens_split_a_character(client: Client) -> None:
    emoji = [{"token": i, "prob": prob, "token_str": "\N{REPLACEMENT CHARACTER}"} for i, prob in ((5, 0.1), (6, 0.9))]
    clear = [{"token": 7, "prob": 0.9, "token_str": "\U0001f600"}]
    events = [forward(clear), sampled(7, "\U0001f600 "), added(7)]
    events += [forward(emoji), sampled(5, "\N{REPLACEMENT CHARACTER}"), added(5)] * 2
    document = make_document("emoji", number(events), request={"final_text": "\U0001f600 \U0001f601"})
    assert client.ingest(document).status == 201
    (span,) = client.get("/v1/confidence/emoji/spans").json["spans"]
    assert (span["start"], span["end"], span["text"]) == (2, 3, "\U0001f601")
    assert span["confidence"] == pytest.approx(0.01)


def test_text_that_postgres_and_utf8_cannot_hold_is_shown(client: Client) -> None:
    body = json.dumps(make_chat([("\0\ud800", -3.0)], id="surrogate")).encode()
    assert client.post_bytes("/v1/ingest", body).status == 201
    answer = client.get("/v1/confidence/surrogate/spans")
    assert (answer.status, len(answer.json["spans"])) == (200, 1)
