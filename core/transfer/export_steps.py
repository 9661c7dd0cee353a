"""The rows of `export --what steps`: every token with its scores, derived from the documents like the log."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from core.document.formats import require_known_format
from core.traces.kept import read_kept
from core.wire.json_text import to_column_text
from core.wire.zstandard import decompress


class Column(NamedTuple):
    """A column of an export: its name and the oid of its Postgres type."""

    name: str
    type_code: int


INTEGER, TEXT, BOOLEAN, DOUBLE = 23, 25, 16, 701
SCORES = ("prob", "prob_upper_bound", "logprob", "surprisal", "cum_nll")
LIST_SCORES = ("entropy", "missing_mass", "flatness", "margin", "token_confidence")
COLUMNS = (
    Column("request_id", TEXT),
    Column("step_index", INTEGER),
    Column("generation_step", INTEGER),
    Column("token", INTEGER),
    Column("token_text", TEXT),
    Column("forced", BOOLEAN),
    Column("forced_by", TEXT),
    Column("adjusted_logits", BOOLEAN),
    Column("discarded", BOOLEAN),
    *(Column(name, DOUBLE) for name in SCORES),
    Column("rank", INTEGER),
    *(Column(name, DOUBLE) for name in LIST_SCORES),
)


def iterate_steps(batch: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Derive the step rows from rows of the query transfer/export_traces."""
    for request_id, number, document, _, _, _, choice, *_ in batch:
        require_known_format(number)
        trace = read_kept(decompress(document), number, choice).trace
        for step, scores in zip(trace.pairing.steps, trace.scores.to_rows(), strict=True):
            yield (
                request_id,
                step.index,
                step.source.index if step.source else None,
                step.token,
                to_column_text(step.text),
                step.forced,
                to_column_text(step.forced_by),
                step.adjusted_logits,
                step.discarded,
                *(getattr(scores, name) for name in SCORES),
                scores.rank,
                *(getattr(scores, name) for name in LIST_SCORES),
            )
