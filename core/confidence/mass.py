"""Limit how far the probabilities of a list may sum above 1 because each of them was rounded."""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from operator import mul
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

MASS_U = 2.0**-9
"""Typical relative rounding error of bf16, the coarsest float in use.

Its largest error, 2^-8, is allowed only if every value is a bf16.
"""

MASS_SLACK = 8e-6
"""Additional error of float32: for logits up to 124, ln Σ exp z is off by up to 2^-18 nats, as is every entry."""

BIT_NOISE = 1e-6
"""Largest part of a unit by which a binary number may be off because it was written with 12 digits."""

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
    weights = [prob for _, prob in live]
    # 12 digits are without the error of a logarithm and its inverse, since one of the two was computed from the other.
    values, sent = ([float(f"{row[i]:.12g}") for row in live] for i in range(2))
    noise = max(
        *(_measure_noise(values, weights, halves) for halves in (_halve_bf16, _halve_places, _halve_digits)),
        *(_measure_noise(sent, None, halves) for halves in (_halve_bf16, _halve_fp16, _halve_places, _halve_digits)),
    )
    return mass <= 1.0 + MASS_SLACK + noise


def _measure_noise(
    values: Sequence[float], weights: Sequence[float] | None, halves: Callable[[Sequence[float]], Sequence[float]]
) -> float:
    """Return Σw·(half a unit in the last place of a value), for a format that represents every value exactly.

    Args:
        values: ln p, or p if the server sent probabilities.
        weights: how much p changes with the value: p for ln p; None means 1.
        halves: returns half a unit of each value; empty if the format doesn't represent all of them.
    """
    units = halves(values)
    return math.fsum(units) if weights is None else math.fsum(map(mul, units, weights))


def _halve_bits(values: Sequence[float], bits: int) -> list[float]:
    """Return half a unit in the last of the binary digits of each number; empty if one has more digits."""
    parts = [math.frexp(value) for value in values]
    if any(abs(mantissa * 2**bits - round(mantissa * 2**bits)) > BIT_NOISE for mantissa, _ in parts):
        return []
    return [math.ldexp(1.0, exponent - bits - 1) if mantissa else 0.0 for mantissa, exponent in parts]


_halve_bf16, _halve_fp16 = partial(_halve_bits, bits=8), partial(_halve_bits, bits=11)


def _halve_places(values: Sequence[float]) -> list[float]:
    """Return half a unit in the last decimal place in use; empty if there are more places than `WRITTEN_DIGITS`."""
    places = max(-int(Decimal(repr(value)).normalize().as_tuple().exponent) for value in values)
    least, most = WRITTEN_DIGITS
    return [] if places > most else [0.5 * 10.0 ** -max(places, least)] * len(values)


def _halve_digits(values: Sequence[float]) -> list[float]:
    """Return half a unit in the last significant digit in use; empty if there are more digits than `WRITTEN_DIGITS`."""
    written = [Decimal(repr(value)).normalize() for value in values]
    digits = max(len(number.as_tuple().digits) for number in written)
    least, most = WRITTEN_DIGITS
    if digits > most:
        return []
    return [0.5 * 10.0 ** (number.adjusted() - max(digits, least) + 1) if number else 0.0 for number in written]
