"""Find the features that are active where the model was unsure. Pure."""

import math
from typing import Any

from core.activations.features import Entry, group_by_feature

Points = dict[int, float]


def place_entropies(steps: list[tuple[int, int]], entropies: list[float | None]) -> Points:
    """Return the entropy of the next token by position in the whole sequence, in nats.

    The forward pass that reads the token at a position computes both its features and the distribution of the next
    token, so the entropy at a token belongs to the position before it. Positions without a distribution are left out.

    Args:
        steps: the steps of the trace, as `place_steps` returns them.
        entropies: the entropy at each step, NaN or None if unknown.
    """
    placed = ((position - 1, entropies[index]) for index, position in steps)
    return {
        position: entropy
        for position, entropy in placed
        if position >= 0 and entropy is not None and math.isfinite(entropy)
    }


def rank_features(entries: list[Entry], entropies: Points, *, min_hits: int) -> list[dict[str, Any]]:
    """Return the features by the correlation of their activation with the entropy of the next token, highest first.

    The correlation is Pearson's, over the positions with both a list of features and an entropy. A feature counts as 0
    where it is not in the list. `entropy` is the mean entropy weighted by the activation. Features at fewer than
    `min_hits` of the positions, and features or entropies that don't vary, are left out.
    """
    listed = {entry["position"] for entry in entries}
    points = {position: entropy for position, entropy in entropies.items() if position in listed}
    items = [
        item
        for number, activations in group_by_feature(entries).items()
        if (item := _correlate(number, activations, points, min_hits)) is not None
    ]
    return sorted(items, key=lambda item: (-item["correlation"], -item["hits"], item["feature_id"]))


def average_entropy(entries: list[Entry], entropies: Points) -> tuple[int, float | None]:
    """Return the number of positions that are compared, and their mean entropy; None without positions."""
    listed = {entry["position"] for entry in entries}
    values = [entropy for position, entropy in entropies.items() if position in listed]
    return len(values), math.fsum(values) / len(values) if values else None


def _correlate(number: int, activations: Points, points: Points, min_hits: int) -> dict[str, Any] | None:
    active = {position: value for position, value in activations.items() if position in points}
    if len(active) < min_hits:
        return None
    count, mean = len(points), math.fsum(points.values()) / len(points)
    level = math.fsum(active.values()) / count
    # The deviations of the positions without the feature are all -level.
    covariance = math.fsum(value * (points[position] - mean) for position, value in active.items())
    spread = math.fsum((value - level) ** 2 for value in active.values()) + (count - len(active)) * level**2
    entropy_spread = math.fsum((entropy - mean) ** 2 for entropy in points.values())
    total = math.fsum(active.values())
    scale = math.sqrt(spread) * math.sqrt(entropy_spread)
    if scale <= 0 or not math.isfinite(scale) or total <= 0:
        return None
    return {
        "feature_id": number,
        "correlation": max(-1.0, min(1.0, covariance / scale)),
        "entropy": math.fsum(value * points[position] for position, value in active.items()) / total,
        "hits": len(active),
        "max_activation": max(active.values()),
    }
