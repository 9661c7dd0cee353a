"""Derive rows and statistics from a feature timeline. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from core.upstream.timeline import read_timeline
from core.wire.zstandard import decompress

STEP = 0
"""The HF server has no steps; the UI shows this number."""

Entry = dict[str, Any]


class Pick(NamedTuple):
    """The rows to return. None means any.

    Attributes:
        feature_id: the feature.
        token_start: the first position.
        token_end: the last position.
        rank_max: the maximum rank, where 1 is the strongest feature.
    """

    feature_id: int | None = None
    token_start: int | None = None
    token_end: int | None = None
    rank_max: int | None = None


def read_entries(content: object) -> list[Entry]:
    """Return the complete entries of a timeline by position, the first of each position. Empty if it is not a list."""
    entries: dict[int, Entry] = {}
    for entry in read_timeline(content) or []:
        entries.setdefault(entry["position"], entry)
    return [entries[position] for position in sorted(entries)]


def unpack_entries(frame: bytes) -> list[Entry]:
    """Return the entries of a stored answer."""
    return read_entries(orjson.loads(decompress(frame)).get("feature_timeline"))


def list_rows(entries: list[Entry], pick: Pick = Pick()) -> Iterator[dict[str, Any]]:  # noqa: B008 - immutable
    """Yield the rows by position, then rank."""
    first = pick.token_start or 0
    for entry in entries:
        if entry["position"] < first or (pick.token_end is not None and entry["position"] > pick.token_end):
            continue
        for rank, feature in enumerate(entry["top_features"][: pick.rank_max], 1):
            if pick.feature_id is None or feature["id"] == pick.feature_id:
                yield {
                    "step": STEP,
                    "token_position": entry["position"],
                    "feature_id": feature["id"],
                    "activation_value": feature["activation"],
                    "rank": rank,
                    "token_id": entry["token"],
                }


def list_top_features(entries: list[Entry]) -> list[dict[str, Any]]:
    """Return each feature with its highest activation and the number of its positions, the strongest first."""
    found: dict[int, list[float]] = {}
    for entry in entries:
        # The strongest first, so a feature that an entry repeats counts once.
        for number, activation in {one["id"]: one["activation"] for one in reversed(entry["top_features"])}.items():
            known = found.setdefault(number, [activation, 0])
            known[0] = max(known[0], activation)
            known[1] += 1
    order = sorted(found.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    return [{"feature_id": number, "max_activation": most, "hits": hits} for number, (most, hits) in order]


def list_deltas(entries: list[Entry], feature_id: int) -> Iterator[dict[str, Any]]:
    """Yield the positions of a feature, with the change from its previous position; None for the first."""
    before: float | None = None
    for row in list_rows(entries, Pick(feature_id)):
        value = row["activation_value"]
        yield {
            "step": STEP,
            "token_position": row["token_position"],
            "activation_value": value,
            "delta": None if before is None else value - before,
            "token_id": row["token_id"],
        }
        before = value


def place_steps(sequence: list[int], tokens: list[int], discarded: list[bool]) -> list[tuple[int, int]]:
    """Return the steps of a trace whose tokens were kept: (index of the step, position in the whole sequence).

    The kept tokens must be the end of the sequence; otherwise the list is empty. Either of them may have one token more
    at the end, the one that ended the generation.
    """
    kept = [index for index, is_discarded in enumerate(discarded) if not is_discarded]
    for steps in (kept, kept[:-1]):
        for after in (0, 1):
            offset = len(sequence) - after - len(steps)
            if steps and offset >= 0 and sequence[offset : offset + len(steps)] == [tokens[index] for index in steps]:
                return [(index, position) for position, index in enumerate(kept, offset)]
    return []


def group_by_feature(entries: list[Entry]) -> dict[int, dict[int, float]]:
    """Return the activations of each feature by position."""
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for entry in entries:
        for one in entry["top_features"]:
            found[one["id"]].setdefault(entry["position"], one["activation"])
    return found
