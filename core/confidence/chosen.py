"""Where the chosen token stands in its list, and what its own log-probability changes there.

Servers report a number for the token they chose, and list it once more. The two disagree where lists are keyed by text
(of two tokens that print alike one survives), or where the list was taken from other logits.
"""

import math

from core.confidence.distribution import Distribution
from core.confidence.mass import MASS_U
from core.confidence.token import Token

SAME_NOISE = 1e-5
"""By how much, in nats and beside bf16's rounding, two reports of one log-probability may differ."""


def settle_list(token: Token, logprob: float | None) -> tuple[Distribution | None, int | None]:
    """The list with the chosen token's own log-probability in it, and the position of the token.

    The token's own number wins over the list's. An entry of the same text with another number is another token, unless
    only that entry can be the chosen one: a list holds every token that is likelier than its last.

    Args:
        token: with the list as it came.
        logprob: what the server reported for the token itself, nats; null if unknown.

    Returns:
        No list where there was none, or where its mass and the token's contradict each other. No position where the
        token is not in the list, or only as a masked entry.
    """
    distribution = token.distribution
    found = distribution.find_all(token.token, token.text) if distribution else []
    if distribution is None or not found or not distribution.live:
        return distribution, None
    if logprob is None:
        return distribution, found[0] if found[0] < distribution.live else None
    position = _find_nearest(distribution, found, logprob)
    if distribution.logprobs[position] == logprob:
        return distribution, position
    settled = _settle(distribution, token, position, logprob)
    if settled is distribution:
        return distribution, None
    if not settled.is_possible:
        return None, None
    return settled, _find_nearest(settled, settled.find_all(token.token, token.text), logprob)


def _settle(distribution: Distribution, token: Token, position: int, logprob: float) -> Distribution:
    """The list with the token's own number; the same list where the token lies outside it."""
    by_id = token.token is not None and distribution.tokens[position] == token.token
    listed = distribution.logprobs[position]
    replaced = distribution.put(token.token, token.text, logprob, instead_of=position)
    if by_id or abs(listed - logprob) <= MASS_U * abs(logprob) + SAME_NOISE:
        return replaced
    if logprob < distribution.logprobs[distribution.live - 1]:
        return distribution
    if logprob < listed:
        beside = distribution.put(token.token, token.text, logprob, instead_of=None)
        return beside if beside.is_possible else replaced
    return replaced


def _find_nearest(distribution: Distribution, positions: list[int], logprob: float) -> int:
    """Of positions that may be the token's, the one with its number; masked entries are infinitely far."""
    return min(positions, key=lambda i: math.inf if i >= distribution.live else abs(distribution.logprobs[i] - logprob))
