"""Interventions: backtracks, forced runs and adjusted logits."""

from typing import Any

import pytest

from core.pairing.scored_trace import score_trace
from tests.support.documents import action, added, call, forward, one_token, sampled
from tests.support.pairing import pair, read, tokens


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
