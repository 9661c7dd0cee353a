"""Find how many tokens each Backtrack removed, if the final tokens contradict the action.

An engine may remove one token more or fewer than the action requests. Quote's second generation loop removes n - 1 if
the mod was called on an Added event, and n + 1 if it was called on a ForwardPass.
"""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from core.pairing.steps import Pairing

MAX_HISTORIES = 64
"""Maximum explanations followed at a time. Those that correct the fewest backtracks are kept."""


MAX_REMOVALS = 1000
"""Maximum backtracks of a trace that are checked. In a trace with more, each removes the number it requests."""


class Removal(NamedTuple):
    """A paired backtrack.

    Attributes:
        action: its index among the actions.
        position: the number of steps before it.
        count: the number of tokens it requests to remove.
    """

    action: int
    position: int
    count: int


class _Removed(NamedTuple):
    """The number of tokens that a backtrack removed: a node of a linked list. Histories share the tails of lists."""

    action: int
    count: int
    later: "_Removed | None"


class _History(NamedTuple):
    """One explanation of the end of a trace, read backwards.

    Attributes:
        corrected: how many backtracks removed a number of tokens that differs from the requested one.
        left: how many final tokens are not explained yet.
        gone: how many earlier tokens were removed by the backtracks read so far.
        removed: the earliest backtrack read so far, linked to the later ones.
    """

    corrected: int
    left: int
    gone: int
    removed: "_Removed | None"


_CORRECTED = attrgetter("corrected")


def fit_backtracks(pairing: Pairing, removals: Sequence[Removal], final: list[int] | None) -> dict[int, int]:
    """Find the backtracks that removed one token more or fewer than requested, according to the final tokens.

    Args:
        pairing: the trace, paired from its events alone.
        removals: its backtracks, in order.
        final: the tokens of the answer; None if unknown.

    Returns:
        The number of tokens removed, by the index of the action. Empty if no backtrack needs a correction, or if no
        correction explains the final tokens.
    """
    tokens = [step.token for step in pairing.steps]
    surviving = [step.token for step in pairing.steps if not step.discarded]
    if len(removals) > MAX_REMOVALS:
        removals = [one for one in removals if one.count]
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
    """Keep the best histories, and only one of those that leave the same tokens to explain."""
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
    """Keep the histories whose next final tokens equal these tokens, without the ones removed from their end."""
    matching: list[_History] = []
    for one in histories:
        kept = tokens[: max(0, len(tokens) - one.gone)]
        start = one.left - len(kept)
        if start >= 0 and _are_alike(kept, wanted[start : one.left]):
            matching.append(one._replace(left=start, gone=max(0, one.gone - len(tokens))))
    return matching


def _are_alike(tokens: list[int | None], wanted: list[int | None]) -> bool:
    """Return whether the tokens are equal wherever both are known."""
    return tokens == wanted or all(
        one == other or one is None or other is None for one, other in zip(tokens, wanted, strict=True)
    )


def _correct(one: _History, removal: Removal) -> list[_History]:
    """Extend a history in three ways: the backtrack removed the requested number, one fewer, or one more."""
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
