"""Numbers as servers send them: rounded, so that the probabilities of a list may sum to more than 1."""

import json
import math
import struct
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.confidence import InvalidDistribution, Token, decode_distribution, read_distribution, score_tokens
from core.confidence.mass import limit_mass
from tests.confidence.builders import moderate

LARGEST_LOGIT = 124.0
"""About the size of Gemma's logits."""


def softmax(logits: list[float]) -> list[float]:
    highest = max(logits)
    total = math.log(math.fsum(math.exp(logit - highest) for logit in logits))
    return [logit - highest - total for logit in logits]


def _round_to_bf16(value: float) -> float:
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return struct.unpack("<f", struct.pack("<I", rounded))[0]


def _round_to_digits(digits: int, value: float) -> float:
    return float(f"{value:.{digits}g}")


Round = Callable[[float], float]
ROUND_ONE: dict[str, Round] = {
    "fp16": lambda value: float(np.float16(value)),
    "bf16": _round_to_bf16,
    **{f"{n} places": partial(round, ndigits=n) for n in range(3, 7)},
    **{f"{n} digits": partial(_round_to_digits, n) for n in range(3, 7)},
}


def to_engine_float32(logits: list[float]) -> list[float]:
    """Apply Quote's formula. Rounding m + log(sum) moves all entries equally."""
    z = np.array(logits, dtype=np.float32)
    highest = z.max()
    total = highest + np.log(np.exp(z - highest).sum(dtype=np.float32))
    return [float(value) for value in z - total]


def round_softmax(rounding: str, logits: list[float]) -> list[float]:
    if rounding == "float32":
        return to_engine_float32(logits)
    return [ROUND_ONE[rounding](logprob) for logprob in softmax(logits)]


@st.composite
def logit_lists(draw: st.DrawFn) -> list[float]:
    """Generate flat and peaked logits at any height, with ties and up to the vocabulary of the tests."""
    scale = draw(st.sampled_from([0.0, 0.01, 1.0, 10.0]))
    height = draw(st.floats(-100, 100))
    units = draw(st.lists(st.floats(-2, 2) | st.integers(-2, 2), min_size=1, max_size=20))
    return [max(-LARGEST_LOGIT, min(LARGEST_LOGIT, height + scale * unit)) for unit in units]


@pytest.mark.parametrize("rounding", ["float32", *ROUND_ONE])
@moderate
@given(logits=logit_lists())
def test_a_rounded_softmax_is_a_distribution(rounding: str, logits: list[float]) -> None:
    logprobs = round_softmax(rounding, logits)
    found = read_distribution([{"token": i, "logprob": one} for i, one in enumerate(logprobs)], "top_tokens")
    assert found is not None
    assert found.missing_mass == max(0.0, 1.0 - found.mass) >= 0.0
    chosen = [Token(i, None, distribution=found) for i in range(len(logprobs))]
    for logprob, row in zip(logprobs, score_tokens(chosen, vocab_size=100_000), strict=True):
        if logprob > -1000:
            assert row.prob == math.exp(logprob)
            assert row.entropy_lower is None or row.entropy_lower >= 0.0


@pytest.mark.parametrize("rounding", ROUND_ONE)
@pytest.mark.parametrize("is_early", [False, True])
@moderate
@given(logits=logit_lists())
def test_rounded_probabilities_are_a_distribution(rounding: str, logits: list[float], *, is_early: bool) -> None:
    """Also if a server rounds ln p before it computes p."""
    if is_early:
        probs = [math.exp(logprob) for logprob in round_softmax(rounding, logits)]
    else:
        probs = [ROUND_ONE[rounding](math.exp(logprob)) for logprob in softmax(logits)]
    found = read_distribution([{"token": i, "prob": min(1.0, prob)} for i, prob in enumerate(probs)], "top_tokens")
    assert found is not None
    assert sorted(found.probs) == pytest.approx(sorted(min(1.0, prob) for prob in probs))


@moderate
@given(logit_lists())
def test_both_readers_of_lists_accept_the_same_mass(logits: list[float]) -> None:
    logprobs = sorted(to_engine_float32(logits), reverse=True)
    entries = [{"token": i, "logprob": one} for i, one in enumerate(logprobs)]
    decoded = decode_distribution(json.dumps(entries).encode())
    read = read_distribution(entries, "top_tokens")
    assert decoded is None or (read is not None and decoded.logprobs == read.logprobs)


@pytest.mark.parametrize("logprobs", [[-0.1, -1.2], [-0.5, -0.9, -5.1], [-0.1, -2.3], [math.log(0.6), math.log(0.41)]])
def test_a_mass_beyond_rounding_is_rejected(logprobs: list[float]) -> None:
    with pytest.raises(InvalidDistribution, match="their sum must be at most 1"):
        read_distribution([{"token": i, "logprob": one} for i, one in enumerate(logprobs)], "top_tokens")


def test_the_limit_is_the_same_for_one_list_and_for_many() -> None:
    assert limit_mass(0.0) == 1.0 + 8e-6
    assert limit_mass(np.array([0.0, 2.0])).tolist() == [limit_mass(0.0), limit_mass(2.0)]
