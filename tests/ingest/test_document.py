"""A document is stored once and returned byte for byte, and all other answers are derived from it."""

import json
import pickle
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access.hasher import Hasher
from core.document.parse import parse_document
from core.errors import InvalidInputError
from core.traces.ingest import PreparedTrace
from core.traces.kept import keep_quote
from core.traces.log import render_log
from core.wire.zstandard import decompress
from tests.support.documents import TRACES, make_document, trace_names
from tests.support.prepared import prepare_trace

LIST = '[{"token":1, "logprob": -0.50 ,"token_str":"a\\u0000] \\"top_tokens\\""}, {"token":2,"logprob":-2e0,"x":[1]}]'


def prepare(body: bytes) -> PreparedTrace:
    return prepare_trace(body, Hasher(b"secret"))


def stored(body: bytes) -> bytes:
    return decompress(prepare(body).document["document"])


def show(body: bytes) -> dict[str, Any]:
    return orjson.loads(b"{" + b"".join(render_log(keep_quote(parse_document(body)))))


def with_events(*events: str) -> bytes:
    return ('{"request":{"request_id":"r"},\n "events" : [' + " , ".join(events) + "]}").encode()


def forward(order: int, top_tokens: str, more: str = "") -> str:
    event = f'"event_type":"ForwardPass","step":0,"sequence_order":{order}'
    return f'{{{event},{more}"top_tokens" : {top_tokens}}}'


@pytest.mark.parametrize("name", trace_names())
def test_a_recorded_trace_is_stored_byte_for_byte(name: str) -> None:
    body = (TRACES / f"{name}.json").read_bytes()
    back = stored(body)
    assert back[back.index(b'"events"') :] == body[body.index(b'"events"') :], (
        "only the request contains the user's label"
    )


@pytest.mark.parametrize(
    "body",
    [
        with_events(forward(1, LIST), forward(2, LIST), forward(3, "[]"), forward(4, "null")),
        with_events(forward(2, LIST), forward(1, LIST)),
        with_events(forward(1, '[{"token":1,"prob":0.5}]')),
        with_events(forward(1, LIST.replace("x", "\\ud800"))),
        with_events(forward(1, '[{"token":1,"logprob":-1,"n":1e999}]')),
    ],
    ids=["spaces and other keys", "events in another order", "a prob alone", "a lone surrogate", "beyond a double"],
)
def test_a_document_is_stored_byte_for_byte(body: bytes) -> None:
    assert stored(body) == body
    assert prepare(body).document["document_bytes"] == len(body)


def test_the_log_shows_each_list_as_posted() -> None:
    log = show(with_events(forward(1, LIST)))
    assert log["events"][0]["top_tokens"] == log["step_logit_summaries"][0]["topk"] == json.loads(LIST)
    shuffled = [{"token": 2, "logprob": -2.0}, {"token": 1, "logprob": -0.5}]
    log = show(with_events(forward(1, json.dumps(shuffled))))
    assert log["events"][0]["top_tokens"] == shuffled
    assert [entry["token"] for entry in log["step_logit_summaries"][0]["topk"]] == [1, 2]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {"logprob": st.floats(min_value=-50, max_value=-3)}, optional={"token": st.integers(0, 9), "token_str": TEXTS}
    ),
    max_size=5,
)
LISTS = st.lists(st.none() | ENTRIES, max_size=6)


@given(lists=LISTS, indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans())
def test_any_document_is_returned_and_its_log_shows_its_lists(
    lists: list[Any],
    indent: int | None,
    ascii_only: bool,  # noqa: FBT001 - drawn by Hypothesis
) -> None:
    events = [
        {"event_type": "ForwardPass", "step": i, "sequence_order": i, "top_tokens": one} for i, one in enumerate(lists)
    ]
    text = json.dumps(make_document("r", events=events), indent=indent, ensure_ascii=ascii_only)
    body = text.encode("utf-8", "replace")
    assert stored(body) == body
    assert [event["top_tokens"] for event in show(body)["events"]] == [event["top_tokens"] for event in events]


@pytest.mark.parametrize("depth", [200, 300, 990, 100_000])
@pytest.mark.parametrize("part", ["list", "payload", "stats"])
def test_an_object_nested_too_deeply_for_the_log_is_rejected(part: str, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    if part == "list":
        body = with_events(forward(1, f'[{{"token":1,"logprob":-0.1,"x":{deep}}}]'))
    elif part == "stats":
        body = f'{{"request":{{"request_id":"r","inference_stats":{{"x":{deep}}}}}}}'.encode()
    else:
        call = '"mod_calls":[{"event_sequence_order":1,"mod_name":"m","event_type":"ForwardPass","step":0}]'
        action = f'{{"mod_call_sequence":0,"action_type":"Noop","action_order":0,"details":{{"x":{deep}}}}}'
        body = with_events(forward(1, LIST))[:-1] + f',{call},"actions":[{action}]}}'.encode()
    if depth == 200:
        assert stored(body) == body
        assert show(body)
        return
    with pytest.raises(InvalidInputError, match="nested too deeply"):
        prepare(body)


def test_a_token_text_of_another_type_is_unknown() -> None:
    log = show(with_events(forward(1, LIST.replace('"a', '[1],"x":"a'))))
    assert log["step_logit_summaries"][0]["topk"][0]["token_str"] is None


def test_a_lone_surrogate_in_any_row_is_replaced_in_the_log() -> None:
    body = with_events(forward(1, LIST, '"input_text":"a\\ud800b",'))
    assert show(body)["events"][0]["input_text"] == show(body)["formatted_prompt"] == "a�b"


@pytest.mark.parametrize("name", trace_names())
def test_a_prepared_trace_can_cross_a_process_boundary(name: str) -> None:
    prepared = prepare((TRACES / f"{name}.json").read_bytes())
    assert pickle.loads(pickle.dumps(prepared)) == prepared
