"""Read the numbers of a distribution from parsed JSON.

Every error is an InvalidDistribution that names the path, so that the sender can find the number in their document.
"""

import math
from collections.abc import Sized

MAX_LOGPROB_NOISE = 1e-6
"""Rounding tolerance: how far a log-probability (nats) may exceed 0, or a probability 1."""

MASKED_LOGPROB = -1000.0
"""A log-probability (nats) at or below this means p = 0. exp() is 0 from -746 down in any case."""

MAX_QUOTED_CHARS = 40
"""Maximum number of characters of an invalid value that an error message quotes."""


class InvalidDistribution(ValueError):  # noqa: N818 - named after the problem
    """A number, entry or list that is not part of a valid probability distribution.

    Attributes:
        path: location in the input, like `events[12].top_tokens[3].logprob`.
        reason: the problem, as a sentence whose subject is the value at that path.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def quote(value: object) -> str:
    """Format an invalid value for an error message, in one short line."""
    if isinstance(value, Sized) and not isinstance(value, str):  # its items can be of any size and type
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 128:  # repr() of a huge integer is slow or raises
        return "a number of that size"
    text = value if isinstance(value, str) else repr(value)
    short = text if len(text) <= MAX_QUOTED_CHARS else text[: MAX_QUOTED_CHARS - 1] + "…"
    return ascii(short) if isinstance(value, str) else short


def read_logprob(value: object, path: str) -> float:
    """Read a natural-log probability.

    Args:
        value: a number, a number as a string (JSON has no literal for -inf), or None.
        path: location of the value, for error messages.

    Returns:
        Nats, ≤ 0. `-math.inf` if masked: None, -inf, or ≤ -1000. Rounding noise in (0, 1e-6] becomes 0.

    Raises:
        InvalidDistribution: the value is NaN, larger than 1e-6, or not a number.
    """
    number = -math.inf if value is None else _to_float(value, path)
    if number <= MASKED_LOGPROB:
        return -math.inf
    if number <= 0.0:
        return number + 0.0  # turns -0.0 into 0.0
    if number <= MAX_LOGPROB_NOISE:
        return 0.0
    raise InvalidDistribution(path, f"{quote(value)} is not a log-probability; it must be ≤ 0")


def read_chosen_logprob(value: object, path: str, *, forced: bool = False) -> float | None:
    """Read the log-probability that a server reported for the token it chose.

    Args:
        value: a number, a number as a string, or None.
        path: location of the value, for error messages.
        forced: whether the token was forced. The model didn't draw it, so a positive value is unknown, not an error.

    Returns:
        Nats, ≤ 0; None if unknown. A masked value is unknown because a chosen token can't have p = 0.

    Raises:
        InvalidDistribution: as for `read_logprob`.
    """
    if value is None:
        return None
    number = _to_float(value, path)
    if forced and number > MAX_LOGPROB_NOISE:
        return None
    logprob = read_logprob(number, path)
    return None if logprob == -math.inf else logprob


def read_prob(value: object, path: str) -> float:
    """Read a probability and return its natural logarithm.

    Args:
        value: a number in [0, 1 + 1e-6], a number as a string, or None.
        path: location of the value, for error messages.

    Returns:
        Nats, ≤ 0; `-math.inf` if masked (0 or None).

    Raises:
        InvalidDistribution: the value is NaN, outside [0, 1 + 1e-6], or not a number.
    """
    number = 0.0 if value is None else _to_float(value, path)
    if not 0.0 <= number <= 1.0 + MAX_LOGPROB_NOISE:
        raise InvalidDistribution(path, f"{quote(value)} is not a probability; it must be in 0…1")
    return -math.inf if number == 0.0 else math.log(min(number, 1.0))


def _to_float(value: object, path: str) -> float:
    """Convert a value to float. Strings are accepted because JSON has no literal for -inf."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidDistribution(path, f"must be a number, not {quote(value)}")
    try:
        number = float(value)
    except ValueError:
        raise InvalidDistribution(path, f"must be a number, not {quote(value)}") from None
    except OverflowError:  # an integer beyond the range of a float becomes infinite
        number = math.inf if isinstance(value, int) and value > 0 else -math.inf
    if math.isnan(number):
        raise InvalidDistribution(path, "must be a number, not NaN")
    return number
