"""How much more than 1 the probabilities of a list may sum to, because each of them was rounded."""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol, Self, TypeVar

MASS_U = 2.0**-9
"""A typical relative rounding error of bf16, the coarsest float in use; its largest, 2^-8, is allowed to bf16 alone."""

MASS_SLACK = 8e-6
"""What float32 adds: with logits up to 124, ln Σ exp z is off by up to 2^-18 nats, and every entry with it."""

WRITTEN_DIGITS = (3, 6)
"""Digits that people and log formats round to. Fewer would let too much pass; from 7 on float32 is coarser."""


class Number(Protocol):
    """A float, or an array of them."""

    def __mul__(self, other: float, /) -> Self:
        """Times a float."""

    def __add__(self, other: float, /) -> Self:
        """Plus a float."""


NumberT = TypeVar("NumberT", bound=Number)


def limit_mass(spread: NumberT) -> NumberT:
    """The largest sum of probabilities that rounding explains: 1 + u·Σp|ln p| + 8e-6.

    Rounding moves ln p by at most u·|ln p|, and so p by about p·u·|ln p|.

    Args:
        spread: Σp|ln p| of the list, or of each of many lists.
    """
    return spread * MASS_U + (1.0 + MASS_SLACK)


def measure_spread(logprobs: Sequence[float], probs: Sequence[float]) -> float:
    """Σp|ln p|; masked entries add nothing."""
    return 0.0 - math.fsum(prob * logprob for prob, logprob in zip(probs, logprobs, strict=True) if prob)


def is_possible(mass: float, logprobs: Sequence[float], probs: Sequence[float]) -> bool:
    """Whether entries with this sum may be a distribution whose log-probabilities were rounded."""
    if mass <= 1.0 or mass <= limit_mass(measure_spread(logprobs, probs)):
        return True
    live = [(logprob, prob) for logprob, prob in zip(logprobs, probs, strict=True) if prob]
    noise = max(_measure_noise(live, halves) for halves in (_halve_bf16, _halve_places, _halve_digits))
    return mass <= 1.0 + MASS_SLACK + noise


def _measure_noise(live: Sequence[tuple[float, float]], halves: Callable[[Sequence[float]], Sequence[float]]) -> float:
    """Σp times half a unit in the last place of ln p, in a format that holds every ln p of the list as it is."""
    units = halves([logprob for logprob, _ in live])
    return math.fsum(unit * prob for unit, (_, prob) in zip(units, live, strict=bool(units)))


def _halve_bf16(logprobs: Sequence[float]) -> list[float]:
    """Half a unit of each as a bf16, which has 8 binary digits; none if one has more."""
    parts = [math.frexp(logprob) for logprob in logprobs]
    if any(mantissa * 256 % 1 for mantissa, _ in parts):
        return []
    return [math.ldexp(1.0, exponent - 9) if mantissa else 0.0 for mantissa, exponent in parts]


def _halve_places(logprobs: Sequence[float]) -> list[float]:
    """Half a unit in the last decimal place that any of them has; none if that is beyond those that people write."""
    places = max(-int(Decimal(repr(logprob)).normalize().as_tuple().exponent) for logprob in logprobs)
    least, most = WRITTEN_DIGITS
    return [] if places > most else [0.5 * 10.0 ** -max(places, least)] * len(logprobs)


def _halve_digits(logprobs: Sequence[float]) -> list[float]:
    """The same for as many significant digits as any of them has."""
    written = [Decimal(repr(logprob)).normalize() for logprob in logprobs]
    digits = max(len(number.as_tuple().digits) for number in written)
    least, most = WRITTEN_DIGITS
    if digits > most:
        return []
    return [0.5 * 10.0 ** (number.adjusted() - max(digits, least) + 1) if number else 0.0 for number in written]
