"""Reading one number of a distribution as JSON gave it: what is a log-probability, what is masked, what is refused.

Every refusal is an InvalidDistribution that names the place, so that the sender finds the number in their own document.
"""

import math
from collections.abc import Sized

MAX_LOGPROB_NOISE = 1e-6
"""How far above 0 a log-probability (nats), or above 1 a probability or a sum of them, may lie by rounding alone."""

MASKED_LOGPROB = -1000.0
"""At or below this (nats), a log-probability is a server's way of writing p = 0; exp() gives 0 from -746 on anyway."""

MAX_QUOTED_CHARS = 40
"""How much of a refused value its sentence repeats."""


class InvalidDistribution(ValueError):  # noqa: N818 - named for what is wrong, as the errors of its callers are
    """A number, an entry or a whole list that is no probability distribution.

    Attributes:
        place: where in the input, like `events[12].top_tokens[3].logprob`.
        reason: what is wrong with it, a sentence without its subject.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


def quote(value: object) -> str:
    """The value as its refusal shows it: one short line, whatever was sent."""
    if isinstance(value, Sized) and not isinstance(value, str):  # what it holds may be as large and as odd
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 128:  # repr() of a huge integer is slow, or refused by Python
        return "a number of that size"
    text = value if isinstance(value, str) else repr(value)
    short = text if len(text) <= MAX_QUOTED_CHARS else text[: MAX_QUOTED_CHARS - 1] + "…"
    return ascii(short) if isinstance(value, str) else short


def read_logprob(value: object, place: str) -> float:
    """A natural-log probability as JSON gave it.

    Args:
        value: a number, its text (`"-inf"` is no JSON number), or null.
        place: where it stands, for the refusal.

    Returns:
        Nats, at most 0; `-math.inf` if masked: null, -inf, or at most -1000. Rounding noise in (0, 1e-6] becomes 0.

    Raises:
        InvalidDistribution: NaN, larger than 1e-6, or no number.
    """
    number = -math.inf if value is None else _to_float(value, place)
    if number <= MASKED_LOGPROB:
        return -math.inf
    if number <= 0.0:
        return number + 0.0  # -0.0 would be printed as such
    if number <= MAX_LOGPROB_NOISE:
        return 0.0
    raise InvalidDistribution(place, f"{quote(value)} is no log-probability (it must be ≤ 0)")


def read_chosen_logprob(value: object, place: str, *, forced: bool = False) -> float | None:
    """What a server reported as the log-probability of the token it chose.

    Args:
        value: a number, its text, or null.
        place: where it stands, for the refusal.
        forced: on a forced token a positive value is unknown rather than refused: the model never drew it.

    Returns:
        Nats, at most 0; null if unknown. Masked counts as unknown, for a token that was chosen cannot have p = 0.

    Raises:
        InvalidDistribution: as `read_logprob`.
    """
    if value is None:
        return None
    number = _to_float(value, place)
    if forced and number > MAX_LOGPROB_NOISE:
        return None
    logprob = read_logprob(number, place)
    return None if logprob == -math.inf else logprob


def read_prob(value: object, place: str) -> float:
    """The natural log of a probability as JSON gave it.

    Args:
        value: a number in [0, 1 + 1e-6], its text, or null.
        place: where it stands, for the refusal.

    Returns:
        Nats, at most 0; `-math.inf` if masked (0 or null).

    Raises:
        InvalidDistribution: NaN, outside [0, 1 + 1e-6], or no number.
    """
    number = 0.0 if value is None else _to_float(value, place)
    if not 0.0 <= number <= 1.0 + MAX_LOGPROB_NOISE:
        raise InvalidDistribution(place, f"{quote(value)} is no probability (it must lie in 0…1)")
    return -math.inf if number == 0.0 else math.log(min(number, 1.0))


def _to_float(value: object, place: str) -> float:
    """The value as a float; text is read too, because -inf has no other spelling in JSON."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidDistribution(place, f"{quote(value)} is no number")
    try:
        number = float(value)
    except ValueError:
        raise InvalidDistribution(place, f"{quote(value)} is no number") from None
    except OverflowError:  # an integer beyond a float's range keeps its sign, and so its meaning
        number = math.inf if isinstance(value, int) and value > 0 else -math.inf
    if math.isnan(number):
        raise InvalidDistribution(place, "NaN is no number")
    return number
