"""Limit how far the probabilities of a list may sum above 1 because each of them was rounded."""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

MASS_U = 2.0**-9
"""Typical relative rounding error of bf16, the coarsest float in use.

Its largest error, 2^-8, is allowed only if every value is a bf16.
"""

MASS_SLACK = 8e-6
"""Additional error of float32: for logits up to 124, ln Σ exp z is off by up to 2^-18 nats, as is every entry."""

WRITTEN_DIGITS = (3, 6)
"""Range of digits that people and log formats round to.

Allowing fewer would accept too much; from 7 digits on, float32 is coarser.
"""


Number = TypeVar("Number", float, NDArray[np.float64])


def limit_mass(spread: Number) -> Number:
    """Return the largest sum of probabilities that rounding explains: 1 + u·Σp|ln p| + 8e-6.

    Rounding changes ln p by at most u·|ln p|, which changes p by about p·u·|ln p|.

    Args:
        spread: Σp|ln p| of the list, or of each of many lists.
    """
    return spread * MASS_U + (1.0 + MASS_SLACK)


def measure_spread(logprobs: Sequence[float], probs: Sequence[float]) -> float:
    """Return Σp|ln p|. Masked entries add 0."""
    return 0.0 - math.fsum(prob * logprob for prob, logprob in zip(probs, logprobs, strict=True) if prob)


def is_possible(mass: float, logprobs: Sequence[float], probs: Sequence[float]) -> bool:
    """Check whether rounding explains the sum of a list's probabilities."""
    if mass <= 1.0 or mass <= limit_mass(measure_spread(logprobs, probs)):
        return True
    live = [(logprob, prob) for logprob, prob in zip(logprobs, probs, strict=True) if prob]
    noise = max(_measure_noise(live, halves) for halves in (_halve_bf16, _halve_places, _halve_digits))
    return mass <= 1.0 + MASS_SLACK + noise


def _measure_noise(live: Sequence[tuple[float, float]], halves: Callable[[Sequence[float]], Sequence[float]]) -> float:
    """Return Σp·(half a unit in the last place of ln p), for a format that represents every ln p exactly."""
    units = halves([logprob for logprob, _ in live])
    return math.fsum(unit * prob for unit, (_, prob) in zip(units, live, strict=bool(units)))


def _halve_bf16(logprobs: Sequence[float]) -> list[float]:
    """Return half a unit in the last place of each number as a bf16 (8 binary digits); empty if one has more digits."""
    parts = [math.frexp(logprob) for logprob in logprobs]
    if any(mantissa * 256 % 1 for mantissa, _ in parts):
        return []
    return [math.ldexp(1.0, exponent - 9) if mantissa else 0.0 for mantissa, exponent in parts]


def _halve_places(logprobs: Sequence[float]) -> list[float]:
    """Return half a unit in the last decimal place in use; empty if there are more places than `WRITTEN_DIGITS`."""
    places = max(-int(Decimal(repr(logprob)).normalize().as_tuple().exponent) for logprob in logprobs)
    least, most = WRITTEN_DIGITS
    return [] if places > most else [0.5 * 10.0 ** -max(places, least)] * len(logprobs)


def _halve_digits(logprobs: Sequence[float]) -> list[float]:
    """Return half a unit in the last significant digit in use; empty if there are more digits than `WRITTEN_DIGITS`."""
    written = [Decimal(repr(logprob)).normalize() for logprob in logprobs]
    digits = max(len(number.as_tuple().digits) for number in written)
    least, most = WRITTEN_DIGITS
    if digits > most:
        return []
    return [0.5 * 10.0 ** (number.adjusted() - max(digits, least) + 1) if number else 0.0 for number in written]
