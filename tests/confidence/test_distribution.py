"""Reading a top-k list: which entries are kept, masked or rejected, and with which error."""

import json
import math
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.confidence import (
    MAX_TOP_TOKENS,
    Distribution,
    InvalidDistribution,
    decode_distribution,
    make_distribution,
    read_chosen_logprob,
    read_distribution,
)
from tests.confidence.builders import entry_lists, listed, moderate

PLACE = "events[12].top_tokens"


def read(*entries: object) -> Distribution:
    distribution = read_distribution(list(entries), PLACE)
    assert distribution is not None
    return distribution


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
        assert refusal(*entries) == f"{PLACE}: the probabilities sum to 1.25, which is too far above 1 to be rounding"


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


@moderate
@given(entry_lists(masked=True), st.randoms())
def test_the_order_of_the_entries_does_not_matter(entries: list[Any], random: Any) -> None:
    shuffled = random.sample(entries, len(entries))
    first, second = read(*entries), read(*shuffled)
    assert (first.logprobs, first.probs, first.mass) == (second.logprobs, second.probs, second.mass)
    assert set(zip(first.tokens, first.logprobs, strict=True)) == set(zip(second.tokens, second.logprobs, strict=True))


@moderate
@given(entry_lists())
def test_reading_in_one_pass_equals_reading_entry_by_entry(entries: list[Any]) -> None:
    """A number sent as text takes the careful path, whatever its neighbours are."""
    ordered = sorted(entries, key=lambda entry: -entry["logprob"])
    in_one_pass = msgspec.structs.replace(read(*ordered), is_verbatim=False)
    assert in_one_pass == read({**ordered[0], "logprob": repr(ordered[0]["logprob"])}, *ordered[1:])


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("-inf"),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@moderate
@given(
    st.lists(
        st.one_of(
            ANY_JSON,
            st.fixed_dictionaries(
                {}, optional={"token": ANY_JSON, "logprob": ANY_JSON, "prob": ANY_JSON, "text": ANY_JSON}
            ),
            st.fixed_dictionaries({"token": st.integers(0, 9), "logprob": st.floats(-2000, 1e-6)}),
        ),
        max_size=4,
    )
)
def test_any_list_is_a_distribution_or_invalid(entries: list[object]) -> None:
    found = None
    with suppress(InvalidDistribution):
        found = read_distribution(entries, PLACE)
    if found is not None:
        assert found.is_possible
        assert list(found.logprobs) == sorted(found.logprobs, reverse=True)
        assert all(logprob <= 0 for logprob in found.logprobs)


def test_a_distribution_can_be_constructed_directly() -> None:
    assert make_distribution((0, 1), (None, None), (math.log(0.5), math.log(0.25))) == listed(0.5, 0.25)


@moderate
@given(
    st.lists(
        st.fixed_dictionaries(
            {"token": st.integers(0, 9), "logprob": st.floats(-20, 0) | st.just(-0.0) | st.integers(-3, 0)},
            optional={"token_str": st.none() | st.text(max_size=3), "text": st.text(max_size=3), "x": st.just(1)},
        ),
        max_size=4,
    )
)
def test_a_list_decoded_at_once_equals_one_read_entry_by_entry(entries: list[Any]) -> None:
    entries.sort(key=lambda entry: -entry["logprob"])
    found = decode_distribution(json.dumps(entries).encode("utf-8"))
    if found is not None:
        assert found == msgspec.structs.replace(read(*entries), is_verbatim=True)


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b"null",
        b'[{"token": 1}]',
        b'[{"token": 1, "logprob": -1, "prob": 0.3}]',
        b'[{"token": 1, "logprob": -1000}]',
        b'[{"token": 1, "logprob": null}]',
        b'[{"token": 1.0, "logprob": -1}]',
        b'[{"token": 1, "logprob": -2}, {"token": 2, "logprob": -1}]',
        b'[{"token": 1, "logprob": -1}, {"token": 1, "logprob": -1}]',
        b'[{"token": 1, "logprob": -0.1}, {"token": 2, "logprob": -0.2}]',
        b'[{"token": 1, "logprob": -1, "token_str": "\\ud800"}]',
        b'[{"token": 1, "logprob": 1e-9}]',
    ],
)
def test_irregular_lists_are_not_decoded_at_once(text: bytes) -> None:
    assert decode_distribution(text) is None
