"""A document is stored without its lists, and comes back out of document and log byte for byte."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access.hasher import Hasher
from core.errors import InvalidInputError
from core.traces.ingest import PreparedTrace, prepare_trace
from core.traces.lists import CUT, assemble
from core.zstandard import decompress
from tests.build import make_document
from tests.conftest import TRACES, trace_names

LIST = '[{"token":1, "logprob": -0.50 ,"token_str":"a\\u0000] \\"top_tokens\\""}, {"token":2,"logprob":-2e0,"x":[1]}]'


def prepare(body: bytes) -> PreparedTrace:
    return prepare_trace(body, Hasher(b"secret"))


def check(body: bytes, *, is_cut: bool) -> None:
    frames = prepare(body).frames
    assert assemble(frames.document, frames.log) == body
    assert frames.document_bytes == len(body)
    assert (CUT in decompress(frames.document)) == is_cut


def with_events(*events: str) -> bytes:
    return ('{"request":{"request_id":"r"},\n "events" : [' + " , ".join(events) + "]}").encode()


def forward(order: int, top_tokens: str, more: str = "") -> str:
    event = f'"event_type":"ForwardPass","step":0,"sequence_order":{order}'
    return f'{{{event},{more}"top_tokens" : {top_tokens}}}'


@pytest.mark.parametrize("name", trace_names())
def test_recorded_traces_come_back_to_the_letter(name: str) -> None:
    body = (TRACES / f"{name}.json").read_bytes()
    frames = prepare(body).frames
    back = assemble(frames.document, frames.log)
    assert back[back.index(b'"events"') :] == body[body.index(b'"events"') :], "the request holds the user's label"
    is_from_probs = b'"logprob"' not in body
    assert (CUT in decompress(frames.document)) != is_from_probs


def test_spaces_digits_and_other_keys_of_a_list_are_kept() -> None:
    check(with_events(forward(1, LIST), forward(2, LIST), forward(3, "[]"), forward(4, "null")), is_cut=True)


def test_a_list_that_stands_elsewhere_too_is_no_trouble() -> None:
    twice = f'"details":{{"top_tokens":{LIST}}},"top_tokens":{LIST},'
    check(with_events(forward(1, LIST, twice), forward(2, LIST)), is_cut=True)


@pytest.mark.parametrize(
    "body",
    [
        with_events(forward(2, LIST), forward(1, LIST)),
        with_events(forward(1, '[{"token":1,"prob":0.5}]')),
        with_events(forward(1, LIST.replace("x", "\\ud800"))),
        with_events(forward(1, '[{"token":1,"logprob":-1,"n":1e999}]')),
        with_events(forward(1, "null")),
    ],
    ids=["events in another order", "a prob alone", "a lone surrogate", "a number beyond a double", "no list"],
)
def test_a_document_whose_lists_are_shown_otherwise_stays_whole(body: bytes) -> None:
    check(body, is_cut=False)


def test_the_log_shows_each_list_as_it_was_posted() -> None:
    log = json.loads(b"{" + decompress(prepare(with_events(forward(1, LIST))).frames.log))
    assert log["events"][0]["top_tokens"] == log["step_logit_summaries"][0]["topk"] == json.loads(LIST)
    shuffled = [{"token": 2, "logprob": -2.0}, {"token": 1, "logprob": -0.5}]
    log = json.loads(b"{" + decompress(prepare(with_events(forward(1, json.dumps(shuffled)))).frames.log))
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
def test_whatever_is_posted_comes_back(lists: list[Any], indent: int | None, ascii_only: bool) -> None:  # noqa: FBT001
    events = [
        {"event_type": "ForwardPass", "step": i, "sequence_order": i, "top_tokens": one} for i, one in enumerate(lists)
    ]
    text = json.dumps(make_document("r", events=events), indent=indent, ensure_ascii=ascii_only)
    body = text.encode("utf-8", "replace")
    frames = prepare(body).frames
    assert assemble(frames.document, frames.log) == body
    shown = orjson.loads(b"{" + decompress(frames.log))["events"]
    assert [event["top_tokens"] for event in shown] == [event["top_tokens"] for event in json.loads(body)["events"]]


@pytest.mark.parametrize("depth", [200, 300, 990, 100_000])
def test_what_is_nested_so_deeply_that_it_could_not_be_shown_is_refused(depth: int) -> None:
    entry = '{"token":1,"logprob":-0.1,"x":' + "[" * depth + "]" * depth + "}"
    body = with_events(forward(1, f"[{entry}]"))
    if depth == 200:
        check(body, is_cut=True)
        return
    with pytest.raises(InvalidInputError, match="nested too deeply"):
        prepare(body)


def test_a_text_that_is_none_is_shown_as_unknown() -> None:
    log = json.loads(b"{" + decompress(prepare(with_events(forward(1, LIST.replace('"a', '[1],"x":"a')))).frames.log))
    assert log["step_logit_summaries"][0]["topk"][0]["token_str"] is None
