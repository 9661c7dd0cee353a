"""The report of a posted body, and the facts from which a calibrator computes the probability that it is correct."""

from typing import NamedTuple

from core.confidence import DEFAULT_WINDOW
from core.reports.report import Report
from core.traces.rows import SEQUENCE_SCORES
from core.wire.json_text import dump_json, to_column_text

WINDOW_SCORES = {"tail_confidence", "lowest_group_confidence", "bottom_10pct_group_confidence"}


class ScoredBody(NamedTuple):
    """A report, rendered.

    Attributes:
        text: the report as a JSON object.
        model: the model that the body names.
        k: the length of the longest top-k list.
        logprobs_mode: how the logprobs were computed, if the body declares it.
        scores: the sequence scores by name, without the scores of windows if stored requests have another length.
    """

    text: bytes
    model: str | None
    k: int | None
    logprobs_mode: str | None
    scores: dict[str, float | None]

    def render(self, applied: dict[str, object]) -> bytes:
        """Return the report with more members at its start."""
        return dump_json(applied)[:-1] + b"," + self.text[1:]


def pack_report(report: Report, model: str | None) -> ScoredBody:
    """Render the report of a body that names this model."""
    sequence = report["sequence"]
    is_usual = sequence["window"] == DEFAULT_WINDOW
    scores = {name: sequence[name] for name in SEQUENCE_SCORES if is_usual or name not in WINDOW_SCORES}
    return ScoredBody(dump_json(report), to_column_text(model), report["k"], report["logprobs_mode"], scores)
