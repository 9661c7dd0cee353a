"""No body causes a 500, and the format of a server changes no score."""

import contextlib
import copy
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.confidence import TokenScores, score_sequence, score_tokens
from core.errors import InvalidInputError
from core.responses import is_quote_trace, read_options
from core.responses.items import read_item
from core.traces.kept import keep_answer
from tests.responses.render import EXACT, Drawn, llama_cpp_probs, openai_responses, plain
from tests.responses.samples import FIXTURES, load, read_tokens
from tests.support.chunks import STREAMS
from tests.support.response_draws import draws

SMOOTH = ["logprob", "prob_upper_bound", "cum_nll", "entropy", "missing_mass", "negentropy", "margin", "varentropy"]
"""Scores without steps. Rounding may move rank, top_p_count or the bounds of the entropy past a step."""
often = settings(max_examples=150, deadline=None)
KEYS = [
    "choices",
    "candidates",
    "completion_probabilities",
    "details",
    "meta_info",
    "output",
    "tokens_predicted",
    "tokens",
    "logprobs",
    "done",
    "generated_text",
    "content",
    "refusal",
    "token_logprobs",
    "top_logprobs",
    "top_probs",
    "probs",
    "token_ids",
    "text",
    "token",
    "logprob",
    "prob",
    "bytes",
    "id",
    "tok_str",
    "output_token_logprobs",
    "output_top_logprobs",
    "top_tokens",
    "forced",
    "logprobsResult",
    "chosenCandidates",
    "topCandidates",
    "tokenId",
    "logProbability",
    "object",
    "delta",
    "window",
    "vocab_size",
    "top_p",
    "logprobs_mode",
    "request",
    "events",
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), math.inf, -math.inf, 1e308, -9999.0, "-inf", "NaN", "token_id:7", "\ud800"])
    | st.floats(max_value=0.0, allow_nan=False)
    | st.text(max_size=5)
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=25,
)


def read_or_refuse(body: object) -> None:
    """Read and score a body as a caller does. All exceptions but InvalidInputError are failures."""
    is_quote_trace(body)
    try:
        options = read_options(body)
        tokens = read_tokens(body)
    except InvalidInputError:
        return
    score_sequence(tokens, score_tokens(tokens, vocab_size=options.vocab_size))


@often
@given(anything)
def test_any_body_is_read_or_rejected(body: object) -> None:
    read_or_refuse(body)


@often
@given(st.sampled_from(KEYS[:11]), anything, st.dictionaries(st.sampled_from(KEYS), anything, max_size=3))
def test_any_value_of_a_deciding_key_is_read_or_rejected(key: str, value: object, rest: dict[str, object]) -> None:
    read_or_refuse(rest | {key: value})


def put_anywhere(body: Any, value: object, data: st.DataObject) -> Any:
    """Replace a part of a body, or all of it."""
    root = {"root": body}
    spot: Any = root
    key: Any = "root"
    while type(spot[key]) in {dict, list} and spot[key] and data.draw(st.integers(0, 9)):
        spot = spot[key]
        key = data.draw(st.sampled_from(sorted(spot) if type(spot) is dict else range(len(spot))))
    spot[key] = value
    return root["root"]


@often
@given(st.sampled_from(sorted(path.stem for path in FIXTURES.glob("*.json"))), anything, st.data())
def test_any_value_anywhere_in_a_response_is_read_or_rejected(name: str, value: object, data: st.DataObject) -> None:
    read_or_refuse(put_anywhere(load(name), value, data))


@often
@given(st.sampled_from([*STREAMS]), anything, st.data())
def test_any_value_anywhere_in_a_stream_is_read_or_rejected(name: str, value: object, data: st.DataObject) -> None:
    with contextlib.suppress(InvalidInputError):
        item = read_item(put_anywhere(copy.deepcopy(STREAMS[name]), value, data))
        keep_answer(item, 0)


def score(body: object) -> list[TokenScores]:
    return score_tokens(read_tokens(body), vocab_size=200_000)


@pytest.mark.parametrize("render", EXACT, ids=lambda render: render.__name__)
@settings(max_examples=30, deadline=None)
@given(drawn=st.lists(draws(), max_size=5))
def test_equal_numbers_have_equal_scores_from_all_servers(render: Any, drawn: list[Drawn]) -> None:
    if drawn or render is not openai_responses:  # this server sends empty lists without a request
        assert score(render(drawn)) == score(plain(drawn))


@settings(max_examples=30, deadline=None)
@given(st.lists(draws(), max_size=5))
def test_probabilities_have_the_scores_of_their_logarithms(drawn: list[Drawn]) -> None:
    expected = score(plain(drawn))
    for row, other in zip(score(llama_cpp_probs(drawn)), expected, strict=True):
        for name in SMOOTH:
            found, wanted = getattr(row, name), getattr(other, name)
            assert found == (None if wanted is None else pytest.approx(wanted, rel=1e-9, abs=1e-9)), name
