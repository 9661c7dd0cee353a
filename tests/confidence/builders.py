"""Helpers that build distributions and tokens, and Hypothesis strategies for them."""

import math

from hypothesis import settings
from hypothesis import strategies as st

from core.confidence import Distribution, Token, read_distribution

LONGEST = 8

moderate = settings(max_examples=40, deadline=None)
"""Enough examples to find faults in a second. A slow machine is not a failure."""


def listed(*probs: float | None, place: str = "top_tokens") -> Distribution:
    """Return a list in which token i has the i-th probability; None is masked."""
    entries: list[object] = [{"token": i, "prob": prob} for i, prob in enumerate(probs)]
    distribution = read_distribution(entries, place)
    assert distribution is not None
    return distribution


def chosen(token: int, *probs: float | None, forced: bool = False, discarded: bool = False) -> Token:
    return Token(token, None, forced=forced, discarded=discarded, distribution=listed(*probs) if probs else None)


@st.composite
def entry_lists(draw: st.DrawFn, *, masked: bool = False) -> list[object]:
    """Generate a valid top-k list in any order: weights that share 1 with an unseen rest."""
    weights = draw(st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=LONGEST))
    rest = draw(st.one_of(st.just(0.0), st.floats(0.0, 10.0)))
    total = math.fsum([*weights, rest])
    logprobs: list[object] = [math.log(weight / total) for weight in weights]
    if masked:
        logprobs += draw(st.lists(st.sampled_from([None, "-inf", -1000, -9999.0, -math.inf]), max_size=3))
    order = draw(st.permutations(range(len(logprobs))))
    return [{"token": i, "logprob": logprobs[i], "token_str": f"t{i}"} for i in order]


@st.composite
def some_tokens(draw: st.DrawFn) -> Token:
    """Generate a token of any kind: in its list or not, reported or not, forced, discarded, without a list."""
    entries = draw(st.one_of(st.just([]), entry_lists(masked=True)))
    return Token(
        token=draw(st.one_of(st.none(), st.integers(0, LONGEST + 3))),
        text=draw(st.one_of(st.none(), st.sampled_from(["t0", "t1", "elsewhere"]))),
        logprob=draw(st.one_of(st.none(), st.floats(-2000.0, 0.0), st.just(-math.inf), st.just(1e-7))),
        forced=draw(st.booleans()),
        discarded=draw(st.booleans()),
        distribution=read_distribution(entries, "top_tokens"),
    )
