"""Where a loop removes one token more or less than its Backtrack says, the final tokens decide."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.document.parse import validate_document
from core.document.schema import TraceDocument
from core.pairing.alignment import align_trace
from core.pairing.backtracks import MAX_REMOVALS
from core.pairing.pair import pair_trace
from core.pairing.steps import Pairing
from tests.support.documents import action, added, call, forward, make_document, number, one_token, sampled

SHIFTS = {"ForwardPass": 1, "Sampled": 0, "Added": -1}
"""The number of tokens that Quote's second loop removes in addition to the requested ones."""


def read(events: list[dict[str, Any]], final: list[int] | None, **parts: Any) -> TraceDocument:
    return validate_document(make_document(events=number(events), request={"final_token_ids": final}, **parts))


def surviving(pairing: Pairing) -> list[int | None]:
    return [step.token for step in pairing.steps if not step.discarded]


def backtrack(order: int, event_type: str, steps: int) -> dict[str, Any]:
    return {"mod_calls": [call(order, event_type)], "actions": [action("Backtrack", backtrack_steps=steps)]}


THREE = [*one_token(1), *one_token(2), *one_token(3)]
ON = {"Added": 8, "ForwardPass": 9, "Sampled": 10}


@pytest.mark.parametrize(
    ("event_type", "final", "removed"),
    [
        ("Added", [1, 2, 9], 1),  # the second loop leaves one too many
        ("Added", [1, 9], 2),
        ("ForwardPass", [9], 3),  # and here one too few
        ("ForwardPass", [1, 9], 2),
        ("Sampled", [1, 2, 9], 1),
        ("Sampled", [9], 3),
    ],
)
def test_the_final_tokens_decide_how_many_were_removed(event_type: str, final: list[int], removed: int) -> None:
    document = read([*THREE, forward(), sampled(), *one_token(9)], final, **backtrack(ON[event_type], event_type, 2))
    if event_type == "Added":
        document = read([*THREE, *one_token(9)], final, **backtrack(8, event_type, 2))
    pairing = pair_trace(document)
    assert surviving(pairing) == final
    assert align_trace(document, pairing) == ("exact", [])
    assert pairing.actions[0].discarded_tokens == removed
    expected = [f"actions[0]: backtrack_steps 2 is counted as {removed}, to match final_token_ids"]
    assert pairing.warnings == (expected if removed != 2 else [])


def test_a_stripped_end_token_does_not_prevent_the_correction() -> None:
    document = read([*THREE, *one_token(9), *one_token(4)], [1, 2, 9], **backtrack(8, "Added", 2))
    assert surviving(pair_trace(document)) == [1, 2, 9, 4]


@pytest.mark.parametrize("final", [None, [7, 7, 7], [1, 2, 3, 4, 5, 6]])
def test_final_tokens_that_no_correction_explains_change_nothing(final: list[int] | None) -> None:
    document = read([*THREE, *one_token(9)], final, **backtrack(8, "Added", 2))
    pairing = pair_trace(document)
    assert surviving(pairing) == [1, 9]
    assert pairing.warnings == []


class Loop:
    """Quote's second loop: one token per pass, forced ones from a queue, Backtracks of other lengths."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.events: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.actions: list[dict[str, Any]] = []

    def step(self, token: int, event_type: str | None, steps: int, forced: list[int]) -> None:
        self.events.append(forward())
        if event_type == "ForwardPass":
            self._rewind(event_type, steps)
        else:
            self.events.append(sampled(token))
            if event_type == "Sampled":
                self._rewind(event_type, steps)
            else:
                self._add(token, is_forced=False)
                if event_type == "Added":
                    self._rewind(event_type, steps)
        for one in forced if event_type else []:
            self.events.append(forward())
            self._add(one, is_forced=True)

    def _add(self, token: int, *, is_forced: bool) -> None:
        self.events.append(added(token, forced=is_forced))
        self.ids.append(token)

    def _rewind(self, event_type: str, steps: int) -> None:
        self.calls.append(call(len(self.events) - 1, event_type))
        self.actions.append(action("Backtrack", len(self.actions), details={"backtrack_steps": steps}))
        self.ids = self.ids[: max(0, len(self.ids) - steps - SHIFTS[event_type])]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**6),
            st.sampled_from([None, None, None, *SHIFTS]),
            st.integers(0, 4),
            st.lists(st.integers(1, 10**6), max_size=2),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_a_trace_of_the_second_loop_ends_with_its_final_tokens(steps: list[Any]) -> None:
    loop = Loop()
    for each in steps:
        loop.step(*each)
    document = read(loop.events, loop.ids, mod_calls=loop.calls, actions=loop.actions)
    assert align_trace(document, pair_trace(document)) == ("exact", [])


def test_many_backtracks_take_linear_time() -> None:
    count = 1000
    document = read(
        one_token(1) * count,
        [1] * 2,
        mod_calls=[call(3 * index + 2, "Added") for index in range(count)],
        actions=[action("Backtrack", index, backtrack_steps=1) for index in range(count)],
    )
    assert surviving(pair_trace(document)) == [1, 1]


def test_backtracks_of_zero_tokens_beyond_the_limit_do_not_prevent_a_correction() -> None:
    idle = backtrack(8, "Added", 0)
    parts = backtrack(8, "Added", 2)
    parts["mod_calls"] += idle["mod_calls"] * MAX_REMOVALS
    parts["actions"] += [one | {"mod_call_sequence": i + 1} for i, one in enumerate(idle["actions"] * MAX_REMOVALS)]
    assert surviving(pair_trace(read([*THREE, *one_token(9)], [1, 2, 9], **parts))) == [1, 2, 9]
