"""Events become steps."""

from typing import Any

import pytest

from core.document.parse import validate_document
from core.errors import InvalidInputError
from core.pairing.pair import pair_trace
from core.pairing.scored_trace import score_trace
from tests.support.documents import TOP, action, added, call, forward, make_document, number, one_token, sampled
from tests.support.pairing import pair, read, tokens


def test_a_step_is_a_pass_a_sample_and_the_added_tokens() -> None:
    pairing = pair(one_token() + one_token(6, "six"))
    assert tokens(pairing) == [5, 6]
    assert [step.text for step in pairing.steps] == ["five", "six"]
    assert [step.source.index for step in pairing.steps if step.source] == [0, 1]
    assert all(step.row is not None for step in pairing.steps)


def test_the_last_sample_before_the_next_pass_counts() -> None:
    pairing = pair([forward(), sampled(6, "six"), sampled(5, "five"), *one_token(6, "six")])
    assert tokens(pairing) == [5, 6]


def test_a_sample_without_an_added_event_entered_the_text() -> None:
    assert tokens(pair([forward(), sampled(), forward(), sampled(6, "six")])) == [5, 6]


def test_a_pass_without_sample_and_added_was_discarded() -> None:
    pairing = pair([forward(), *one_token(6, "six")])
    assert tokens(pairing) == [6]
    assert [one.first_step for one in pairing.passes] == [None, 0]


def test_an_added_event_without_tokens_adds_nothing() -> None:
    assert tokens(pair([forward(), sampled(), added(), *one_token(6, "six")])) == [6]


def test_the_first_forced_token_has_the_distribution_and_the_others_have_none() -> None:
    pairing = pair([forward(), sampled(), added(7, 6, 5, forced=True)])
    assert [step.row is not None for step in pairing.steps] == [True, False, False]
    assert all(step.forced for step in pairing.steps)
    (intervention,) = pairing.interventions
    assert (intervention.first_index, intervention.last_index) == (0, 2)
    assert intervention.overridden is not None
    assert intervention.overridden.token == 5
    assert (intervention.action_type, intervention.mod_name) == (None, None)


def test_tokens_forced_before_the_first_pass_have_no_distribution() -> None:
    pairing = pair([{"event_type": "Prefilled"}, added(7, forced=True), *one_token()])
    first = pairing.steps[0]
    assert (first.token, first.source, first.row) == (7, None, None)


def test_texts_of_forced_tokens_come_from_any_part_of_the_trace() -> None:
    pairing = pair([forward(), sampled(), added(6, 9, 5, forced=True), *one_token(), *one_token(7, "seven")])
    assert [step.text for step in pairing.steps] == ["six", None, "five", "five", "seven"]


def test_a_single_token_takes_the_input_of_the_next_pass_as_its_text() -> None:
    pairing = pair([forward(), sampled(), added(9, forced=True), forward(TOP, input_text=" nine"), sampled(), added(5)])
    assert [step.text for step in pairing.steps] == [" nine", "five"]


def test_an_invalid_distribution_is_rejected_with_its_posted_path() -> None:
    events = number([*one_token(), forward([{"token": 1, "logprob": 3.0}])])
    document = validate_document(make_document(events=events[::-1]))
    with pytest.raises(InvalidInputError, match=r"events\[0\]\.top_tokens\[0\]\.logprob"):
        pair_trace(document)


def test_the_nucleus_uses_the_top_p_of_the_event() -> None:
    events = [forward(top_p=0.5), sampled(), added(5), forward(), sampled(), added(5)]
    scored = score_trace(read(events))
    assert [row.top_p_count for row in scored.scores.to_rows()] == [1, None]


def test_a_forced_count_without_tokens_overrides_with_unknown_tokens() -> None:
    counted = {"event_type": "Added", "forced": True, "added_token_count": 2}
    pairing = pair([forward(), sampled(), counted, *one_token(6, "six")])
    assert [(step.token, step.forced) for step in pairing.steps] == [(None, True), (None, True), (6, False)]
    assert pairing.interventions[0].last_index == 1


def test_an_added_event_without_fields_means_the_sampled_token() -> None:
    assert tokens(pair([forward(), sampled(), {"event_type": "Added"}])) == [5]


def test_an_empty_list_of_added_tokens_adds_nothing() -> None:
    nothing: dict[str, Any] = {"event_type": "Added", "added_tokens": [], "forced": False}
    assert tokens(pair([forward(), sampled(), nothing, *one_token(6, "six")])) == [6]


@pytest.mark.parametrize("added_tokens", [[8, 9], [8]])
def test_tokens_that_were_not_sampled_are_forced_if_nothing_says_so(added_tokens: list[int]) -> None:
    pairing = pair(
        [forward(), sampled(), {"event_type": "Added", "added_tokens": added_tokens}],
        mod_calls=[call(1)],
        actions=[action("ForceTokens", tokens=added_tokens)],
    )
    assert all(step.forced for step in pairing.steps)
    assert pairing.interventions[0].mod_name == "nudge"


def test_a_sampled_token_added_without_a_forced_field_is_not_forced() -> None:
    assert [
        step.forced for step in pair([forward(), sampled(), {"event_type": "Added", "added_tokens": [5]}]).steps
    ] == [False]


@pytest.mark.parametrize("forced", [None, False])
def test_a_count_of_one_without_ids_means_the_sampled_token(*, forced: bool | None) -> None:
    counted = {"event_type": "Added", "added_token_count": 1, "forced": forced}
    (step,) = pair([forward(), sampled(), counted]).steps
    assert (step.token, step.text, step.forced) == (5, "five", False)
    scored = score_trace(read([forward(), sampled(), counted]))
    assert scored.sequence == score_trace(read(one_token())).sequence


def test_of_a_larger_count_without_ids_the_first_is_the_sampled_token() -> None:
    counted = {"event_type": "Added", "added_token_count": 2, "forced": False}
    assert tokens(pair([forward(), sampled(), counted])) == [5, None]
    assert tokens(pair([forward(), sampled(), counted | {"added_token_count": 1}, counted])) == [5, None, None]


def test_a_count_without_ids_where_a_mod_forced_is_not_the_sampled_token() -> None:
    counted = {"event_type": "Added", "added_token_count": 1}
    pairing = pair([forward(), sampled(), counted], mod_calls=[call(1)], actions=[action("ForceTokens")])
    assert [(step.token, step.forced) for step in pairing.steps] == [(None, True)]
