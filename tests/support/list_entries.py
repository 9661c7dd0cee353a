"""Entries of top-k lists."""

from core.confidence import (
    Distribution,
    read_distribution,
)

PLACE = "events[12].top_tokens"


def read(*entries: object) -> Distribution:
    distribution = read_distribution(list(entries), PLACE)
    assert distribution is not None
    return distribution
