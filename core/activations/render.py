"""Render rows and statistics of the stored answer of a run. All functions are pure, CPU-bound and return JSON."""

from collections.abc import Iterable
from typing import Any

from core.activations.doubt import Points, average_entropy, rank_features
from core.activations.features import Pick, list_deltas, list_rows, list_top_features, unpack_entries
from core.wire.json_text import dump_json

MAX_ROWS = 10_000
MAX_FEATURES = 500


def render_rows(frame: bytes, request_id: str, pick: Pick, limit: int) -> bytes:
    """Render `Rows` as JSON. CPU-bound."""
    rows = _take(list_rows(unpack_entries(frame), pick), limit)
    return dump_json({"request_id": request_id, "row_count": len(rows), "rows": rows})


def render_top_features(frame: bytes, request_id: str, n: int) -> bytes:
    """Render `TopFeatures` as JSON. CPU-bound."""
    items = list_top_features(unpack_entries(frame))[: min(max(n, 1), MAX_FEATURES)]
    return dump_json({"request_id": request_id, "items": items})


def render_deltas(frame: bytes, request_id: str, feature_id: int, limit: int) -> bytes:
    """Render `Deltas` as JSON. CPU-bound."""
    rows = _take(list_deltas(unpack_entries(frame), feature_id), limit)
    return dump_json({"request_id": request_id, "feature_id": feature_id, "rows": rows})


def render_by_confidence(  # noqa: PLR0913, PLR0917 - called by position
    frame: bytes, request_id: str, trace_request_id: str | None, entropies: Points, n: int, min_hits: int
) -> bytes:
    """Render `FeaturesByConfidence` as JSON. CPU-bound."""
    entries = unpack_entries(frame)
    positions, mean = average_entropy(entries, entropies)
    return dump_json(
        {
            "request_id": request_id,
            "trace_request_id": trace_request_id,
            "positions": positions,
            "mean_entropy": mean,
            "items": rank_features(entries, entropies, min_hits=min_hits)[: min(max(n, 1), MAX_FEATURES)],
        }
    )


def _take(rows: Iterable[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    return [row for row, _ in zip(rows, range(min(max(limit, 1), MAX_ROWS)), strict=False)]
