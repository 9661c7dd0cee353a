"""Log-probabilities as servers send them: rounded, so that a complete distribution may sum to more than 1."""

import json
import math
import struct
from collections.abc import Callable

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


def to_fp16(logits: list[float]) -> list[float]:
    return [float(np.float16(logprob)) for logprob in softmax(logits)]


def to_bf16(logits: list[float]) -> list[float]:
    return [_round_to_bf16(logprob) for logprob in softmax(logits)]


def _round_to_bf16(value: float) -> float:
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return struct.unpack("<f", struct.pack("<I", rounded))[0]


def to_places(places: int) -> Callable[[list[float]], list[float]]:
    return lambda logits: [round(logprob, places) for logprob in softmax(logits)]


def to_digits(digits: int) -> Callable[[list[float]], list[float]]:
    return lambda logits: [float(f"{logprob:.{digits}g}") for logprob in softmax(logits)]


def to_engine_float32(logits: list[float]) -> list[float]:
    """Apply Quote's formula. Rounding m + log(sum) moves all entries equally."""
    z = np.array(logits, dtype=np.float32)
    highest = z.max()
    total = highest + np.log(np.exp(z - highest).sum(dtype=np.float32))
    return [float(value) for value in z - total]


ROUNDINGS = {
    "fp16": to_fp16,
    "bf16": to_bf16,
    "float32": to_engine_float32,
    **{f"{n} places": to_places(n) for n in range(3, 7)},
    **{f"{n} digits": to_digits(n) for n in range(3, 7)},
}


@st.composite
def logit_lists(draw: st.DrawFn) -> list[float]:
    """Generate flat and peaked logits at any height, with ties and up to the vocabulary of the tests."""
    scale = draw(st.sampled_from([0.0, 0.01, 1.0, 10.0]))
    height = draw(st.floats(-100, 100))
    units = draw(st.lists(st.floats(-2, 2) | st.integers(-2, 2), min_size=1, max_size=20))
    return [max(-LARGEST_LOGIT, min(LARGEST_LOGIT, height + scale * unit)) for unit in units]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@moderate
@given(logits=logit_lists())
def test_a_rounded_softmax_is_a_distribution(rounding: str, logits: list[float]) -> None:
    logprobs = ROUNDINGS[rounding](logits)
    found = read_distribution([{"token": i, "logprob": one} for i, one in enumerate(logprobs)], "top_tokens")
    assert found is not None
    assert found.missing_mass == max(0.0, 1.0 - found.mass) >= 0.0
    chosen = [Token(i, None, distribution=found) for i in range(len(logprobs))]
    for logprob, row in zip(logprobs, score_tokens(chosen, vocab_size=100_000), strict=True):
        if logprob > -1000:
            assert row.prob == math.exp(logprob)
            assert row.entropy_lower is None or row.entropy_lower >= 0.0


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
