"""Find the chosen token in its top-k list and reconcile the two log-probabilities reported for it.

Servers report a log-probability for the chosen token and another one in its list. The two disagree if lists are keyed
by text (of two tokens with the same text only one survives) or if the list was computed from different logits.
"""

import math

from core.confidence.distribution import Distribution
from core.confidence.mass import MASS_U
from core.confidence.token import Token

SAME_NOISE = 1e-5
"""Largest difference between two reports of one log-probability, in nats, in addition to bf16 rounding."""


def reconcile_list(token: Token, logprob: float | None) -> tuple[Distribution | None, int | None]:
    """Put the chosen token's own log-probability into its list and return the list and the token's position.

    The token's own number takes precedence. An entry with the same text but a different number is a different token,
    unless it is the only entry that can be the chosen one: a list holds every token that is more likely than its last.
    A token that is missing from the list although it is more likely replaces the last entry, if it has an id or a text
    and no entry has its number.

    Args:
        token: the token with the list as received.
        logprob: the log-probability reported for the token itself, in nats; None if unknown.

    Returns:
        (list, position). The list is None if there was none, or if its mass contradicts the token's probability. The
        position is None if the token is not in the list or is a masked entry.
    """
    distribution = token.distribution
    found = distribution.find_all(token.token, token.text) if distribution else []
    is_named = token.token is not None or token.text is not None
    if distribution is None or not distribution.live or not is_named:
        return distribution, None
    if logprob is None:
        return distribution, _skip_masked(distribution, found[0]) if found else None
    position = _find_nearest(distribution, found, logprob) if found else None
    if position is not None and distribution.logprobs[position] == logprob:
        return distribution, _skip_masked(distribution, position)
    if position is None:
        settled = _add(distribution, token, logprob)
    else:
        settled = _settle(distribution, token, position, logprob)
    if settled is distribution:
        return distribution, None
    if not settled.is_possible:
        return None, None
    nearest = _find_nearest(settled, settled.find_all(token.token, token.text), logprob)
    return settled, _skip_masked(settled, nearest)


def _skip_masked(distribution: Distribution, position: int) -> int | None:
    """Return a position, or None if its entry is masked."""
    return position if position < distribution.live else None


def _add(distribution: Distribution, token: Token, logprob: float) -> Distribution:
    """Return the list with a token that it lacks instead of its last entry, so that k stays as requested.

    Return the same list if the token may be outside its k entries, or may be listed under another name.
    """
    if lists_number(distribution, logprob):
        return distribution
    added = distribution.put(token.token, token.text, logprob, instead_of=None)
    if not added.is_possible:
        return added
    last = distribution.logprobs[distribution.live - 1]
    if logprob <= last or _are_equal(last, logprob):
        return distribution
    return distribution.put(token.token, token.text, logprob, instead_of=distribution.k - 1)


def lists_number(distribution: Distribution, logprob: float) -> bool:
    """Return whether an entry has this log-probability. It may be an end token that is listed under another name."""
    return any(_are_equal(one, logprob) for one in distribution.logprobs[: distribution.live])


def _are_equal(listed: float, logprob: float) -> bool:
    """Return whether rounding explains the difference of two reports. It explains no difference from a masked token."""
    return logprob != -math.inf and abs(listed - logprob) <= MASS_U * abs(logprob) + SAME_NOISE


def _settle(distribution: Distribution, token: Token, position: int, logprob: float) -> Distribution:
    """Return the list with the token's own number, or the same list if the token is not in it."""
    by_id = token.token is not None and distribution.tokens[position] == token.token
    listed = distribution.logprobs[position]
    replaced = distribution.put(token.token, token.text, logprob, instead_of=position)
    if by_id or _are_equal(listed, logprob):
        return replaced
    if logprob < distribution.logprobs[distribution.live - 1]:
        return distribution
    if logprob < listed:
        added = distribution.put(token.token, token.text, logprob, instead_of=None)
        return added if added.is_possible else replaced
    return replaced


def _find_nearest(distribution: Distribution, positions: list[int], logprob: float) -> int:
    """Return the candidate position with the nearest log-probability; masked entries are infinitely far away."""
    return min(positions, key=lambda i: math.inf if i >= distribution.live else abs(distribution.logprobs[i] - logprob))
