"""How many tokens each Backtrack of a trace really removed, where the events alone would give another answer.

An engine's loop may remove one token more or less than the action names: Quote's second one removes n - 1 where the mod
was called on an Added, and n + 1 where it was called on a ForwardPass. The final tokens show it.
"""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from core.pairing.steps import Pairing

MAX_HISTORIES = 64
"""How many ways to explain the final tokens are followed at a time, those that correct the fewest backtracks first."""


MAX_REMOVALS = 1000
"""Backtracks of a trace that is explained so; with more, each counts as it names."""


class Removal(NamedTuple):
    """A backtrack as it was paired.

    Attributes:
        action: its index among the actions.
        position: how many steps there were before it.
        count: how many tokens it was to remove.
    """

    action: int
    position: int
    count: int


class _Removed(NamedTuple):
    """What a backtrack removed, and the one after it: a list that histories share the ends of."""

    action: int
    count: int
    later: "_Removed | None"


class _History(NamedTuple):
    """One way to explain the end of a trace, read backwards.

    Attributes:
        corrected: how many backtracks removed another number of tokens than they name.
        left: how many of the final tokens stand before what is explained.
        gone: how many more tokens, further ahead, were removed later.
        removed: what the first of the backtracks removed; it knows those after it.
    """

    corrected: int
    left: int
    gone: int
    removed: "_Removed | None"


_CORRECTED = attrgetter("corrected")


def fit_backtracks(pairing: Pairing, removals: Sequence[Removal], final: list[int] | None) -> dict[int, int]:
    """The backtracks that must have removed one token more or less for the final tokens to come out.

    Args:
        pairing: as the events give it.
        removals: its backtracks, in order.
        final: the tokens of the answer, None if unknown.

    Returns:
        By the index of the action, how many tokens it removed. Empty if none need be corrected, or if that explains
        nothing.
    """
    tokens = [step.token for step in pairing.steps]
    surviving = [step.token for step in pairing.steps if not step.discarded]
    if not 0 < len(removals) <= MAX_REMOVALS or final is None or final in (surviving, surviving[:-1]):
        return {}
    wanted: list[int | None] = [*final, None]  # the end token, which the engine may have stripped
    histories = [_History(0, left, 0, None) for left in (len(final), len(final) + 1)]
    end = len(tokens)
    for removal in reversed(removals):
        histories = _match(histories, tokens[removal.position : end], wanted)
        histories = _select([one for each in histories for one in _correct(each, removal)])
        end = removal.position
    explained = [one for one in _match(histories, tokens[:end], wanted) if one.left == 0]
    if not explained:
        return {}
    counts = dict(_iterate(min(explained, key=_CORRECTED).removed))
    return {one.action: counts[one.action] for one in removals if counts[one.action] != one.count}


def _select(histories: list[_History]) -> list[_History]:
    """The best, and of those that have the same left to explain only one."""
    histories.sort(key=_CORRECTED)
    distinct: dict[tuple[int, int], _History] = {}
    for one in histories:
        distinct.setdefault((one.left, one.gone), one)
    return [*distinct.values()][:MAX_HISTORIES]


def _iterate(removed: _Removed | None) -> Iterator[tuple[int, int]]:
    while removed:
        yield removed.action, removed.count
        removed = removed.later


def _match(histories: Sequence[_History], tokens: list[int | None], wanted: list[int | None]) -> list[_History]:
    """Those whose next final tokens are these tokens, less what was removed from the end of them."""
    matching: list[_History] = []
    for one in histories:
        kept = tokens[: max(0, len(tokens) - one.gone)]
        start = one.left - len(kept)
        if start >= 0 and _are_alike(kept, wanted[start : one.left]):
            matching.append(one._replace(left=start, gone=max(0, one.gone - len(tokens))))
    return matching


def _are_alike(tokens: list[int | None], wanted: list[int | None]) -> bool:
    """Equal, where both are known."""
    return tokens == wanted or all(
        one == other or one is None or other is None for one, other in zip(tokens, wanted, strict=True)
    )


def _correct(one: _History, removal: Removal) -> list[_History]:
    """Three histories of one: the backtrack removed what it names, one less, or one more."""
    return [
        _History(
            one.corrected + abs(change),
            one.left,
            one.gone + removal.count + change,
            _Removed(removal.action, removal.count + change, one.removed),
        )
        for change in (0, -1, 1)
        if removal.count + change >= 0
    ]
