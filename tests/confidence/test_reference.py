"""The values of the reference implementations, to 1e-9."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.confidence import (
    Intervention,
    Token,
    TokenScores,
    read_distribution,
    score_interventions,
    score_sequence,
    score_tokens,
    to_columns,
)
from tests.support import approximate

near = partial(approximate.near, rel=1e-9, absolute=1e-9)
REFERENCE: dict[str, Any] = json.loads(Path(__file__).with_name("reference.json").read_text(encoding="utf-8"))
SEQUENCES = pytest.mark.parametrize("sequence", REFERENCE["sequences"], ids=lambda sequence: sequence["id"])
WINDOW = 16


def read_tokens(sequence: dict[str, Any]) -> list[Token]:
    return [
        Token(
            step["token"],
            None,
            forced=step["forced"],
            distribution=read_distribution(step.get("top_tokens") or [], f"steps[{i}].top_tokens"),
        )
        for i, step in enumerate(sequence["steps"])
    ]


def score(sequence: dict[str, Any]) -> tuple[list[Token], list[TokenScores]]:
    tokens = read_tokens(sequence)
    return tokens, score_tokens(tokens, vocab_size=sequence["vocab_size"])


@SEQUENCES
def test_each_token_score_equals_its_reference(sequence: dict[str, Any]) -> None:
    _, rows = score(sequence)
    for row, expected in zip(rows, sequence["expected"]["tokens"], strict=True):
        found = {**row._asdict(), "top_p_count@0.9": row.top_p_count}
        scored = expected["scored"]
        wanted = {name: value for name, value in expected.items() if name not in {"step", "scored"}}
        assert (row.k is not None) is scored
        assert {name: found[name] for name in wanted} == {name: near(value) for name, value in wanted.items()}


@SEQUENCES
def test_each_sequence_score_equals_its_reference(sequence: dict[str, Any]) -> None:
    tokens, rows = score(sequence)
    found = score_sequence(tokens, rows, window=WINDOW)
    wanted = dict(sequence["expected"]["sequence"])
    coverage = wanted.pop("coverage")
    assert {name: getattr(found.coverage, name) for name in coverage} == coverage
    assert {name: getattr(found, name.removesuffix(f"[{WINDOW}]")) for name in wanted} == {
        name: near(value) for name, value in wanted.items()
    }


def test_the_sides_of_each_forced_run_equal_their_reference() -> None:
    sequence = next(one for one in REFERENCE["sequences"] if one["id"] == "s08_forced")
    tokens, rows = score(sequence)
    for expected in sequence["expected"]["interventions"]:
        first, last = expected.pop("forced_steps")
        intervention = Intervention("ForceTokens", "mod", "mod:Sampled", first, first, last, None)
        found = score_interventions(tokens, to_columns(rows), [intervention], window=expected.pop("w"))[0]
        assert {name: getattr(found, name) for name in expected} == {k: near(v) for k, v in expected.items()}


def test_the_push_of_a_forced_token_outside_the_list_is_at_least_its_bound() -> None:
    sequence = next(one for one in REFERENCE["sequences"] if one["id"] == "s08_forced")
    tokens, rows = score(sequence)
    inside = Intervention("ForceTokens", None, None, 10, 10, 13, None)
    outside = Intervention("ForceTokens", None, None, 28, 28, 28, None)
    known, bound = score_interventions(tokens, to_columns(rows), [inside, outside])
    assert (known.intervention_rank, known.intervention_surprisal_is_bound) == (7, False)
    assert known.intervention_surprisal == near(6.8796049349961)
    assert (bound.intervention_rank, bound.intervention_surprisal_is_bound) == (None, True)
    assert bound.intervention_surprisal == pytest.approx(10.9375, abs=1e-3)
