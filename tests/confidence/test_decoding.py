"""Lists are read at once or entry by entry, with the same result."""

import json
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.confidence import (
    InvalidDistribution,
    decode_distribution,
    read_distribution,
)
from tests.confidence.builders import entry_lists, moderate
from tests.support.list_entries import PLACE, read


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
    """A number sent as text takes the careful path, whatever its neighbors are."""
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
