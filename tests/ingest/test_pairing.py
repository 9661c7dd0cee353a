"""Events to steps: which tokens entered the text, which were discarded, and which mod did it."""

from typing import Any

import pytest

from core.document.parse import validate_document
from core.document.schema import TraceDocument
from core.errors import InvalidInputError
from core.pairing.pair import pair_trace
from core.pairing.scored_trace import score_trace
from core.pairing.steps import Pairing
from tests.support.documents import TOP, action, added, call, forward, make_document, number, one_token, sampled


def read(events: list[dict[str, Any]], **parts: Any) -> TraceDocument:
    return validate_document(make_document(events=number(events), **parts))


def pair(events: list[dict[str, Any]], **parts: Any) -> Pairing:
    return pair_trace(read(events, **parts))


def tokens(pairing: Pairing, *, discarded: bool = False) -> list[int | None]:
    return [step.token for step in pairing.steps if step.discarded is discarded]


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


def test_a_backtrack_removes_tokens_before_its_own() -> None:
    events = [
        *one_token(),
        *one_token(6, "six"),
        *one_token(7, "seven"),
        forward(),
        sampled(),
        added(8, 9, forced=True),
    ]
    pairing = pair(
        events, mod_calls=[call(10)], actions=[action("Backtrack", details={"backtrack_steps": 2, "tokens": [8, 9]})]
    )
    assert tokens(pairing) == [5, 8, 9]
    assert tokens(pairing, discarded=True) == [6, 7]
    (intervention,) = pairing.interventions
    assert (intervention.discarded_first, intervention.discarded_last, intervention.discarded_count) == (1, 2, 2)
    assert (intervention.first_index, intervention.last_index) == (3, 4)
    (done,) = pairing.actions
    assert (done.discarded_tokens, done.forced_tokens, done.step_index) == (2, 2, 3)


def test_a_backtrack_after_a_backtrack_skips_removed_tokens() -> None:
    first = [*one_token(), *one_token(6, "six"), forward(), sampled(), added(7, forced=True)]
    second = [forward(), sampled(), added(8, forced=True)]
    back = {"details": {"backtrack_steps": 1}}
    pairing = pair(
        first + second + one_token(),
        mod_calls=[call(7), call(10)],
        actions=[action("Backtrack", 0, **back), action("Backtrack", 1, details={"backtrack_steps": 2})],
    )
    assert tokens(pairing) == [8, 5]
    assert tokens(pairing, discarded=True) == [5, 6, 7]
    assert pairing.interventions[1].discarded_indices == (0, 2)
    scored = score_trace(
        read(
            first + second + one_token(),
            mod_calls=[call(7), call(10)],
            actions=[action("Backtrack", 0, **back), action("Backtrack", 1, details={"backtrack_steps": 2})],
        )
    )
    effect = scored.interventions[1].discarded
    assert effect is not None
    assert effect.tokens == 2


def test_a_backtrack_without_tokens_removes_at_the_next_pass_and_drops_the_sample() -> None:
    pairing = pair(
        [*one_token(), *one_token(6, "six"), forward(), sampled(), *one_token(7, "seven")],
        mod_calls=[call(7)],
        actions=[action("Backtrack", backtrack_steps=1)],
    )
    assert tokens(pairing) == [5, 7]
    assert tokens(pairing, discarded=True) == [6]
    (intervention,) = pairing.interventions
    assert intervention.first_index is None


def test_a_backtrack_after_the_last_pass_removes() -> None:
    pairing = pair(
        [*one_token(), *one_token(6, "six")],
        mod_calls=[call(5, "Added")],
        actions=[action("Backtrack", backtrack_steps=1)],
    )
    assert tokens(pairing) == [5]


def test_a_backtrack_longer_than_the_text_empties_it() -> None:
    pairing = pair(
        one_token() * 2, mod_calls=[call(5, "Added")], actions=[action("Backtrack", backtrack_steps=2**31 - 1)]
    )
    assert tokens(pairing) == []
    assert pairing.actions[0].discarded_tokens == 2


def test_top_level_backtrack_steps_take_precedence_over_details() -> None:
    pairing = pair(
        one_token() * 3,
        mod_calls=[call(8, "Added")],
        actions=[action("Backtrack", backtrack_steps=1, details={"backtrack_steps": 3})],
    )
    assert len(tokens(pairing)) == 2


def test_adjusted_logits_mark_the_step_and_are_an_intervention() -> None:
    pairing = pair(one_token() * 2, mod_calls=[call(3, "ForwardPass")], actions=[action("AdjustedLogits")])
    assert [step.adjusted_logits for step in pairing.steps] == [False, True]
    (intervention,) = pairing.interventions
    assert (intervention.action_type, intervention.first_index, intervention.mod_name) == ("AdjustedLogits", 1, "nudge")


def test_noops_and_prefill_changes_are_not_interventions() -> None:
    pairing = pair(
        [{"event_type": "Prefilled"}, *one_token()],
        mod_calls=[call(0, "Prefilled"), call(2)],
        actions=[action("AdjustedPrefill"), action("Noop", 1)],
    )
    assert pairing.interventions == []


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


def test_a_forced_run_in_parts_is_one_intervention_with_all_texts() -> None:
    pairing = pair(
        [forward(), sampled(), added(5), added(2, forced=True), added(3, 4, forced=True)],
        mod_calls=[call(1)],
        actions=[action("ForceTokens", details={"tokens_as_text": ["x", "y", "z"]})],
    )
    assert [step.text for step in pairing.steps] == ["five", "x", "y", "z"]
    assert [step.forced_by for step in pairing.steps] == [None, "nudge", "nudge", "nudge"]
    (intervention,) = pairing.interventions
    assert (intervention.first_index, intervention.last_index) == (1, 3)
    assert (pairing.actions[0].forced_tokens, pairing.actions[0].step_index) == (3, 1)


def test_a_force_that_did_not_happen_is_not_matched_with_a_later_one() -> None:
    pairing = pair(
        [forward(), sampled(), forward(), sampled(), added(7, forced=True)],
        mod_calls=[call(1)],
        actions=[action("ForceTokens")],
    )
    assert pairing.interventions[0].mod_name is None


def test_a_force_requested_on_an_added_event_acts_on_the_next_pass() -> None:
    pairing = pair(
        [*one_token(), forward(), sampled(), added(7, forced=True), forward(), sampled(), added(8, forced=True)],
        mod_calls=[call(2, "Added")],
        actions=[action("ForceTokens")],
    )
    assert [intervention.mod_name for intervention in pairing.interventions] == ["nudge", None]


def test_each_mod_that_adjusted_a_pass_has_an_intervention() -> None:
    pairing = pair(
        one_token(),
        mod_calls=[call(0, "ForwardPass", "one"), call(0, "ForwardPass", "two")],
        actions=[action("AdjustedLogits", 0), action("AdjustedLogits", 1)],
    )
    assert [intervention.mod_name for intervention in pairing.interventions] == ["one", "two"]


def test_forced_by_contains_no_key() -> None:
    pairing = pair([forward(), sampled(), added(7, forced=True, forced_by="nudge@secret")])
    assert pairing.steps[0].forced_by == "nudge"


@pytest.mark.parametrize("details", [{"backtrack_steps": None}, {"tokens_as_text": [None]}, {"tokens": "abc"}, {}])
def test_unusual_details_without_effect_are_stored(details: dict[str, Any]) -> None:
    for kind in ("Noop", "ToolCalls", "ForceTokens", "Backtrack"):
        assert tokens(pair(one_token(), mod_calls=[call(1)], actions=[action(kind, details=details)])) == [5]


def test_many_actions_without_events_take_linear_time() -> None:
    count = 20_000
    pairing = pair(
        [{"event_type": "ForwardPass"}] * count,
        mod_calls=[call(index, "ForwardPass") for index in range(count)],
        actions=[action("Noop", index) for index in range(count)],
    )
    assert len(pairing.passes) == count


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
