"""Store all top-k lists of a trace as arrays, so that numpy can score them in one pass."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import cast

import numpy as np
from numpy.typing import NDArray

from core.confidence.decode import PostedList, decode_distribution, decode_entries
from core.confidence.distribution import Distribution
from core.confidence.mass import limit_mass
from core.confidence.shape import MASS_NOISE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

BEYOND = -1
"""Token id of padding cells, after the end of a list."""
LISTS_AT_ONCE = 256
"""Number of lists that are converted to arrays at once, which limits the memory for their entries."""


@dataclass(frozen=True, slots=True, eq=False)
class ListTable:
    """The regular top-k lists of a trace, one per row, most likely entry first: P lists of at most K entries (K ≥ 1).

    Attributes:
        posted: [P] each list as posted.
        tokens: [P, K] token ids; -1 in padding cells.
        logprobs: [P, K] nats, ≤ 0, descending; 0 in padding cells.
        probs: [P, K] exp(logprobs); 0 in padding cells.
        inside: [P, K] whether the cell holds an entry.
        sizes: [P] number of entries of each list, ≥ 1.
        mass: [P] sum of probs.
        missing_mass: [P] max(0, 1 - mass).
    """

    posted: Sequence[PostedList]
    tokens: Ints
    logprobs: Floats
    probs: Floats
    inside: Flags
    sizes: Ints
    mass: Floats
    missing_mass: Floats

    def distribution(self, row: int) -> Distribution:
        """Decode one list, including its texts. Few rows need them."""
        return cast("Distribution", decode_distribution(self.posted[row]))


def decode_lists(posted: Sequence[PostedList]) -> ListTable | None:
    """Decode all lists of a trace. Return None if `decode_distribution` rejects one of them."""
    cells = _decode_cells(posted)
    if cells is None:
        return None
    table = _build_table(posted, *cells)
    return table if _is_regular(table) else None


def _decode_cells(posted: Sequence[PostedList]) -> tuple[Ints, Ints, Floats] | None:
    """Return the list sizes and the concatenated ids and logprobs, or None if an entry is not regular."""
    sizes, tokens, logprobs = array("q"), array("q"), array("d")
    decoded = map(decode_entries, posted)
    while some := list(islice(decoded, LISTS_AT_ONCE)):
        lists = [entries for entries in some if entries is not None]
        if len(lists) < len(some):
            return None
        entries = list(chain.from_iterable(lists))
        sizes.extend(map(len, lists))
        tokens.fromlist([entry.token for entry in entries])
        logprobs.fromlist([entry.logprob for entry in entries])
    return np.array(sizes), np.array(tokens), np.array(logprobs)


def _build_table(posted: Sequence[PostedList], sizes: Ints, ids: Ints, logs: Floats) -> ListTable:
    inside = np.arange(sizes.max(initial=1)) < sizes[:, np.newaxis]
    tokens, logprobs, probs = np.full(inside.shape, BEYOND), np.zeros(inside.shape), np.zeros(inside.shape)
    tokens[inside], logprobs[inside], probs[inside] = ids, logs, np.exp(logs)
    mass = probs.sum(axis=1)
    return ListTable(posted, tokens, logprobs, probs, inside, sizes, mass, np.maximum(0.0, 1.0 - mass))


def _is_regular(table: ListTable) -> bool:
    """Check that each list is sorted, has no duplicates and has a valid mass. Decode doubtful lists to decide."""
    rises = (table.logprobs[:, 1:] > table.logprobs[:, :-1]) & table.inside[:, 1:]
    ordered = np.sort(table.tokens, axis=1)
    repeats = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != BEYOND)
    spread = -(table.probs * table.logprobs).sum(axis=1)
    doubtful = np.flatnonzero(table.mass > limit_mass(spread) - MASS_NOISE).tolist()
    return not (rises.any() or repeats.any()) and all(decode_distribution(table.posted[row]) for row in doubtful)
