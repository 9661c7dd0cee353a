"""A trace that is parsed with its lists in one pass is stored as if the lists were read afterwards."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.access.hasher import Hasher
from core.errors import InvalidInputError
from core.pairing.listed import parse_listed
from core.traces.ingest import PreparedTrace
from core.traces.items import prepare_item
from tests.support.documents import forward, make_document, number, sampled
from tests.support.prepared import prepare_trace

HASHER = Hasher(b"secret")
RECORDED = sorted((Path(__file__).parents[2] / "docs" / "samples").glob("*.json"))
REGULAR: list[dict[str, Any]] = [{"token": 5, "logprob": -0.5, "token_str": "a"}, {"token": 6, "logprob": -2}]
LISTS: dict[str, Any] = {
    "regular": REGULAR,
    "other texts": [{"token": 5, "logprob": -0.5, "text": "a"}, {"token": 6, "logprob": -2, "token_str": None}],
    "empty": [],
    "null": None,
    "not sorted": REGULAR[::-1],
    "listed twice": [*REGULAR, REGULAR[1]],
    "masked": [*REGULAR, {"token": 7, "logprob": -1e9}],
    "prob": [{"token": 5, "prob": 0.5}],
    "another key": [{**REGULAR[0], "rank": 1}],
    "a lone surrogate": [{**REGULAR[0], "token_str": "\ud800"}],
    "too long": [{"token": token, "logprob": -10} for token in range(1025)],
    "mass above 1": [{"token": 5, "logprob": -0.1}, {"token": 6, "logprob": -0.2}],
    "not sorted, mass above 1": [{"token": 5, "logprob": -0.2}, {"token": 6, "logprob": -0.1}],
    "a text": "list",
    "texts": ["a"],
    "without a number": [{"token": 5}],
    "an id that is too large": [{"token": 2**31, "logprob": -1}],
}


def prepare_both(body: bytes) -> tuple[PreparedTrace | str, PreparedTrace | str]:
    def prepare(function: Any) -> PreparedTrace | str:
        try:
            prepared = function(body, HASHER)
        except InvalidInputError as error:
            return str(error)
        return prepared[0] if isinstance(prepared, list) else prepared

    return prepare(prepare_item), prepare(prepare_trace)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_recorded_trace_is_prepared_alike(path: Path) -> None:
    one, other = prepare_both(path.read_bytes())
    assert isinstance(one, PreparedTrace)
    assert one == other


@pytest.mark.parametrize("place", ["ForwardPass", "Sampled"])
@pytest.mark.parametrize("name", LISTS)
def test_any_list_is_read_or_refused_alike(name: str, place: str) -> None:
    odd = {**(forward() if place == "ForwardPass" else sampled()), "top_tokens": LISTS[name]}
    events = number([forward(REGULAR), sampled(5), odd, sampled(5), forward(REGULAR), sampled(9)])
    one, other = prepare_both(json.dumps(make_document(events=events)).encode())
    assert one == other


def test_the_lists_of_a_recorded_trace_are_decoded() -> None:
    document = parse_listed(RECORDED[0].read_bytes())
    assert document is not None
    assert any(isinstance(event.top_tokens, list) for event in document.events)
