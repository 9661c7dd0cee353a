"""Top-k lists: order, duplicates, masked entries, invalid numbers."""

import math

import pytest

from core.confidence import (
    MAX_TOP_TOKENS,
    InvalidDistribution,
    make_distribution,
    read_chosen_logprob,
    read_distribution,
)
from tests.confidence.builders import listed
from tests.support.list_entries import PLACE, read


def refusal(*entries: object) -> str:
    with pytest.raises(InvalidDistribution) as caught:
        read_distribution(list(entries), PLACE)
    assert str(caught.value) == f"{caught.value.path}: {caught.value.reason}"
    return str(caught.value)


def test_no_entries_are_no_distribution() -> None:
    assert read_distribution([], PLACE) is None


def test_a_regular_list_is_kept_unchanged() -> None:
    found = read({"token": 5, "logprob": -0.5, "token_str": "a"}, {"token": 7, "logprob": -1.5, "token_str": "b"})
    assert (found.tokens, found.texts, found.logprobs, found.k) == ((5, 7), ("a", "b"), (-0.5, -1.5), 2)
    assert found.missing_mass == pytest.approx(1 - math.exp(-0.5) - math.exp(-1.5))


def test_a_sampled_token_at_the_front_is_sorted_and_counted_once() -> None:
    found = read({"token": 9, "logprob": -3.0}, {"token": 5, "logprob": -0.1}, {"token": 9, "logprob": -3.0})
    assert (found.tokens, found.logprobs) == ((5, 9), (-0.1, -3.0))


def test_the_better_of_two_entries_for_one_token_counts() -> None:
    assert read({"token": 1, "logprob": -4.0}, {"token": 1, "logprob": -0.2}).logprobs == (-0.2,)


def test_without_ids_equal_text_and_number_are_one_token() -> None:
    found = read({"text": " a", "prob": 0.25}, {"text": "a", "prob": 0.5}, {"text": "a", "prob": 0.5})
    assert (found.texts, found.probs) == (("a", " a"), (0.5, 0.25))


def test_without_ids_equal_text_with_another_number_is_another_token() -> None:
    found = read({"text": "a", "prob": 0.25}, {"text": "a", "prob": 0.5}, {"text": "", "prob": 0})
    assert (found.texts, found.probs) == (("a", "a", ""), (0.5, 0.25, 0.0))


def test_an_id_next_to_a_text_identifies_the_token() -> None:
    found = read({"token": "a", "token_id": 7, "prob": 0.5}, {"token": "a", "token_id": 8, "prob": 0.25})
    assert (found.tokens, found.texts) == ((7, 8), ("a", "a"))


def test_unnamed_entries_are_different_tokens() -> None:
    assert read({"prob": 0.25}, {"prob": 0.25}).k == 2


def test_ties_keep_their_order() -> None:
    assert read({"token": 9, "prob": 0.25}, {"token": 2, "prob": 0.5}, {"token": 4, "prob": 0.25}).tokens == (2, 9, 4)


def test_probabilities_and_logprobs_are_equivalent() -> None:
    assert read({"token": 1, "prob": 0.25}).logprobs == read({"token": 1, "logprob": math.log(0.25)}).logprobs


def test_a_probability_replaces_a_null_logprob() -> None:
    assert read({"token": 1, "logprob": None, "prob": 0.5}).probs == (0.5,)


@pytest.mark.parametrize(
    "entry",
    [
        *({"logprob": value} for value in (None, "-inf", "-Infinity", "-INF", " -inf ", -math.inf, -1000, -9999.0)),
        *({"logprob": value} for value in ("-1e999", -(10**400))),
        *({"prob": value} for value in (None, 0, 0.0, "0")),
    ],
    ids=repr,
)
def test_masked_entries_come_last_and_count_as_zero(entry: dict[str, object]) -> None:
    found = read({"token": 2, **entry}, {"token": 1, "prob": 0.5})
    assert (found.tokens, found.logprobs, found.probs) == ((1, 2), (math.log(0.5), -math.inf), (0.5, 0.0))
    assert (found.k, found.live, found.masked) == (2, 1, True)


def test_rounding_noise_above_zero_is_zero() -> None:
    assert read({"token": 1, "logprob": 1e-6}).logprobs == (0.0,)
    assert math.copysign(1, read({"token": 1, "logprob": -0.0}, {"token": 1, "logprob": "-0"}).logprobs[0]) == 1
    assert read({"token": 1, "prob": 1 + 1e-6}).logprobs == (0.0,)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"logprob": 0.5}, "[1].logprob: 0.5 is not a log-probability; it must be ≤ 0"),
        ({"logprob": 2}, "[1].logprob: 2 is not a log-probability; it must be ≤ 0"),
        ({"logprob": math.inf}, "[1].logprob: inf is not a log-probability; it must be ≤ 0"),
        ({"logprob": "Infinity"}, "[1].logprob: 'Infinity' is not a log-probability; it must be ≤ 0"),
        ({"logprob": 10**400}, "[1].logprob: a number of that size is not a log-probability; it must be ≤ 0"),
        ({"logprob": math.nan}, "[1].logprob: must be a number, not NaN"),
        ({"logprob": "nan"}, "[1].logprob: must be a number, not NaN"),
        ({"logprob": "low"}, "[1].logprob: must be a number, not 'low'"),
        ({"logprob": True}, "[1].logprob: must be a number, not True"),
        ({"logprob": False}, "[1].logprob: must be a number, not False"),
        ({"logprob": [10**5000]}, "[1].logprob: must be a number, not a list"),
        ({"logprob": {}}, "[1].logprob: must be a number, not an object"),
        ({"prob": 1.5}, "[1].prob: 1.5 is not a probability; it must be in 0…1"),
        ({"prob": -0.1}, "[1].prob: -0.1 is not a probability; it must be in 0…1"),
        ({"prob": "-inf"}, "[1].prob: '-inf' is not a probability; it must be in 0…1"),
        ({"prob": math.nan}, "[1].prob: must be a number, not NaN"),
        ({}, "[1]: must have a logprob or a prob"),
        ({"logprob": -1, "token": -1}, f"[1].token: -1 is not a token id; use an integer in 0…{2**31 - 1}"),
        ({"logprob": -1, "token": 2**31}, f"[1].token: {2**31} is not a token id; use an integer in 0…{2**31 - 1}"),
        ({"logprob": -1, "token": True}, f"[1].token: True is not a token id; use an integer in 0…{2**31 - 1}"),
        ({"logprob": -1, "token": 1.0}, f"[1].token: 1.0 is not a token id; use an integer in 0…{2**31 - 1}"),
        ({"logprob": -1, "token": "a"}, f"[1].token: 'a' is not a token id; use an integer in 0…{2**31 - 1}"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_an_invalid_distribution_is_rejected_with_its_path(entry: dict[str, object], sentence: str) -> None:
    assert refusal({"token": 3, "logprob": -0.1}, {"token": 4, **entry}) == PLACE + sentence


@pytest.mark.parametrize("entry", [None, 1, "token logprob", [], [1, -0.5]], ids=repr)
def test_an_entry_that_is_not_an_object_is_rejected(entry: object) -> None:
    assert refusal(entry) == f"{PLACE}[0]: must be an object with a logprob or a prob"


def test_a_mass_above_one_is_rejected() -> None:
    for name in ("token", "text"):
        first, second = (1, 2) if name == "token" else ("a", "b")
        entries = {name: first, "logprob": math.log(0.75)}, {name: second, "logprob": math.log(0.5)}
        assert refusal(*entries) == f"{PLACE}: the probabilities sum to 1.25; their sum must be at most 1"


def test_a_list_that_is_too_long_is_rejected() -> None:
    entries = [{"token": i, "logprob": -20.0} for i in range(MAX_TOP_TOKENS + 1)]
    assert refusal(*entries) == f"{PLACE}: has 1025 entries; at most 1024 are allowed"
    assert read(*entries[1:]).k == MAX_TOP_TOKENS


def test_errors_never_repeat_a_long_value() -> None:
    assert len(refusal({"token": 1, "logprob": "x" * 10_000})) < 120


def test_text_of_another_type_counts_as_missing() -> None:
    found = read({"token": 1, "logprob": -1.0, "token_str": 7}, {"token": 2, "logprob": -2.0, "text": "b"})
    assert found.texts == (None, "b")


def test_the_chosen_token_is_found_by_id_else_by_text() -> None:
    with_ids = read({"token": 1, "prob": 0.5, "text": "a"}, {"token": 2, "prob": 0.25, "text": "b"})
    assert [with_ids.find(2, None), with_ids.find(None, "a"), with_ids.find(3, "a")] == [1, 0, None]
    without = read({"prob": 0.5, "text": "a"}, {"prob": 0.25, "text": "b"})
    assert [without.find(7, "b"), without.find(7, None), without.find(None, None)] == [1, None, None]


def test_a_reported_logprob_of_a_forced_token_may_be_positive_but_not_nan() -> None:
    assert read_chosen_logprob(0.5, "tokens[0].logprob", forced=True) is None
    assert read_chosen_logprob(-0.5, "tokens[0].logprob", forced=True) == -0.5
    for value, forced in ((0.5, False), (math.nan, True)):
        with pytest.raises(InvalidDistribution, match=r"tokens\[0\]\.logprob"):
            read_chosen_logprob(value, "tokens[0].logprob", forced=forced)


def test_a_chosen_token_is_never_impossible() -> None:
    assert [read_chosen_logprob(value, "") for value in (None, "-inf", -1000)] == [None, None, None]


def test_a_distribution_can_be_constructed_directly() -> None:
    assert make_distribution((0, 1), (None, None), (math.log(0.5), math.log(0.25))) == listed(0.5, 0.25)
