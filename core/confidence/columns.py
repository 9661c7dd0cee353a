"""Score all tokens of a trace in one pass: the vectorized form of `score_tokens`.

`core.confidence.score` and `core.confidence.shape` define each score. Tests check that both forms agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from sys import float_info
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.confidence.score import bound_unlisted
from core.confidence.shape import MASS_NOISE
from core.confidence.table import Flags, Floats, Ints, ListTable
from core.confidence.token import TokenScores

Array = TypeVar("Array", Floats, Ints)

_COUNTS = {"rank", "k", "top_p_count"}


@dataclass(frozen=True, slots=True, eq=False)
class TokenColumns:
    """The scores of N tokens, one array [N] per score. `TokenScores` defines each score.

    A score that can't be derived is NaN, or 0 in `rank`, `k` and `top_p_count`, which count from 1.
    """

    prob: Floats
    prob_upper_bound: Floats
    logprob: Floats
    surprisal: Floats
    cum_nll: Floats
    rank: Ints
    entropy: Floats
    missing_mass: Floats
    negentropy: Floats
    flatness: Floats
    margin: Floats
    token_confidence: Floats
    k: Ints
    top_p_count: Ints
    top_p_cutoff: Floats

    def to_rows(self) -> list[TokenScores]:
        """Return one `TokenScores` per token. Scores that have no column are None."""
        columns = [_list_known(getattr(self, name)) for name in self.__slots__]
        return [TokenScores(**dict(zip(self.__slots__, row, strict=True))) for row in zip(*columns, strict=True)]


def score_columns(  # noqa: PLR0913 - keyword arguments; each is a separate array
    table: ListTable,
    *,
    rows: ArrayLike,
    tokens: ArrayLike,
    sampled: ArrayLike,
    nucleus: tuple[Ints, Floats],
    texts: Sequence[str | None] | None = None,
) -> TokenColumns:
    """Score N tokens whose top-k lists are all regular.

    Args:
        table: the lists of the trace.
        rows: [N] row of the list that each token was chosen from; -1 for none.
        tokens: [N] token ids; -1 if unknown.
        sampled: [N] whether the token counts in the aggregates (neither forced nor discarded).
        nucleus: the result of `find_nucleus_columns` for the table.
        texts: [N] text of each token, used to find tokens of unknown id in their lists.
    """
    rows, tokens, sampled = np.asarray(rows, np.int64), np.asarray(tokens, np.int64), np.asarray(sampled, np.bool_)
    positions = _find_positions(table, rows, tokens, texts)
    found, (count, cutoff) = np.flatnonzero(positions >= 0), nucleus
    unknown, none = np.full(rows.size, np.nan), np.zeros(rows.size, np.int64)
    logprob = _fill(unknown, found, table.logprobs[rows[found], positions[found]])
    prob = _fill(unknown, found, table.probs[rows[found], positions[found]])
    entropy = 0.0 - (table.probs * table.logprobs).sum(axis=1)
    negentropy = _measure_negentropy(table, entropy)
    return TokenColumns(
        prob=prob,
        prob_upper_bound=_bound_prob(table, rows, prob),
        logprob=logprob,
        surprisal=0.0 - logprob,
        cum_nll=_sum_surprisal(logprob, sampled),
        rank=_fill(none, found, _rank(table, rows[found], logprob[found])),
        entropy=_take(entropy, rows),
        missing_mass=_take(table.missing_mass, rows),
        negentropy=_take(negentropy, rows),
        flatness=_take(1.0 - negentropy, rows),
        margin=_take(_measure_margin(table), rows),
        token_confidence=_take(0.0 - table.logprobs.sum(axis=1) / table.sizes, rows),
        k=np.append(table.sizes, 0)[rows],
        top_p_count=np.append(count, 0)[rows],
        top_p_cutoff=_take(cutoff, rows),
    )


def to_columns(scores: Sequence[TokenScores]) -> TokenColumns:
    """Convert the result of `score_tokens` to columns, for a trace whose lists are not all regular."""
    return TokenColumns(**{name: _read_column(name, scores) for name in TokenColumns.__slots__})


def _read_column(name: str, scores: Sequence[TokenScores]) -> NDArray[Any]:
    values = list(map(attrgetter(name), scores))
    return np.array([value or 0 for value in values], np.int64) if name in _COUNTS else np.array(values, np.float64)


def find_nucleus_columns(table: ListTable, top_p: ArrayLike) -> tuple[Ints, Floats]:
    """Return the nucleus of each list as (top_p_count [P], top_p_cutoff [P]); 0 and NaN if it has none.

    See `find_nucleus`.

    Args:
        table: the lists of the trace.
        top_p: [P] or a scalar: mass of the nucleus, in (0, 1].
    """
    goal = np.broadcast_to(np.asarray(top_p, np.float64) - MASS_NOISE, table.sizes.shape)
    short = np.cumsum(table.probs, axis=1) < goal[:, np.newaxis]
    count = np.minimum(short.sum(axis=1) + 1, table.sizes)
    count[table.mass < goal] = 0
    return count, np.where(count > 0, table.probs[np.arange(count.size), count - 1], np.nan)


def _find_positions(table: ListTable, rows: Ints, tokens: Ints, texts: Sequence[str | None] | None) -> Ints:
    """Return the position of each token in its list, from 0; -1 if it is not in the list."""
    positions = np.full(rows.size, -1)
    known = np.flatnonzero((rows >= 0) & (tokens >= 0))
    which, position = np.nonzero(table.tokens[rows[known]] == tokens[known, np.newaxis])
    positions[known[which]] = position
    if texts:
        for i in np.flatnonzero((rows >= 0) & (tokens < 0)).tolist():
            found = table.distribution(rows[i]).find(None, texts[i])
            positions[i] = -1 if found is None else found
    return positions


def _rank(table: ListTable, rows: Ints, logprob: Floats) -> Ints:
    """Count the entries that are at least as likely; ties get the worse rank."""
    return ((table.logprobs[rows] >= logprob[:, np.newaxis]) & table.inside[rows]).sum(axis=1)


def _bound_prob(table: ListTable, rows: Ints, prob: Floats) -> Floats:
    """Return each probability, or its upper bound.

    Bounds use exact sums (`bound_unlisted`) because they depend on every digit; few tokens need one.
    """
    bound = prob.copy()
    for i in np.flatnonzero((rows >= 0) & np.isnan(prob)).tolist():
        bound[i] = bound_unlisted(table.distribution(rows[i])) or np.nan
    return bound


def _measure_negentropy(table: ListTable, entropy: Floats) -> Floats:
    null = (table.mass < float_info.min) | (table.sizes < 2)
    mass = np.where(null, 1.0, table.mass)
    share = (np.log(mass) + entropy / mass) / np.log(np.maximum(table.sizes, 2))
    return np.where(null, np.nan, 1.0 - np.clip(share, 0.0, 1.0))


def _measure_margin(table: ListTable) -> Floats:
    margin = table.probs[:, 0] - table.probs[:, 1:2].sum(axis=1)
    return np.where(table.sizes > 1, margin, np.nan)


def _sum_surprisal(logprob: Floats, sampled: Flags) -> Floats:
    known = sampled & ~np.isnan(logprob)
    total = np.cumsum(np.where(known, 0.0 - logprob, 0.0))
    total[np.cumsum(known) == 0] = np.nan
    return total


def _list_known(column: Floats | Ints) -> list[Any]:
    """Convert a column to a list, with None where a score can't be derived."""
    values, unknown = column.tolist(), column == 0 if column.dtype == np.int64 else np.isnan(column)
    for i in np.flatnonzero(unknown).tolist():
        values[i] = None
    return values


def _take(values: Floats, rows: Ints) -> Floats:
    """Return the value of each token's list, or NaN for row -1 (NaN is appended at the end)."""
    return np.append(values, np.nan)[rows]


def _fill(blank: Array, positions: Ints, values: Array) -> Array:
    """Return a copy of a blank column with values at the given positions."""
    column = blank.copy()
    column[positions] = values
    return column
