"""The threshold above which answers may be accepted."""

from collections.abc import Sequence
from typing import Literal

from core.decisions.threshold import Cut, count_labels, count_needed, find_possible_target, search_threshold
from core.statistics.labels import Labels, count_labelled, read_labels
from core.statistics.scores import Score
from core.statistics.store import LabelRow
from core.wire.models import Frozen

DEFAULT_TARGET = 0.05
DEFAULT_CONFIDENCE = 0.95
HELD_OUT = ". Requests from the period to which the calibrator was fitted don't count"


class Threshold(Frozen):
    """The threshold of a score, or the reason why no threshold is certified.

    Attributes:
        score: the score.
        accepts: which side of the threshold is accepted; the threshold itself is.
        threshold: in the unit of the score. None if no threshold can be certified.
        coverage: the share of the n requests that are accepted, 0…1.
        certified: whether at most `target_error` of the accepted answers are incorrect, with the requested confidence.
        bound: the largest upper bound of the share of incorrect answers, over the thresholds that were tried up to this
            one, or of the first one if none is certified. None if there are too few labels to try any, or for a
            warm-up threshold.
        n: number of requests that the threshold is computed from.
        message: the result as a sentence.
    """

    score: Score
    accepts: Literal[">=", "<="]
    threshold: float | None
    coverage: float | None
    certified: bool
    bound: float | None
    n: int
    message: str


def certify(score: Score, rows: Sequence[LabelRow], *, target_error: float, confidence: float) -> Threshold:
    """Find the threshold that accepts the most answers of which at most `target_error` are incorrect.

    Pure function. The rows have one score.
    """
    labels = read_labels(rows, score).drop_missing()
    found = search_threshold(labels.certainty, labels.right, target_error=target_error, confidence=confidence)
    cut, accepts = found.certified, "<=" if score.higher_is_less_certain else ">="
    tried = cut or found.first
    if cut is None:
        threshold, coverage, message = None, None, _explain(labels, found.first, target_error, confidence)
    else:
        threshold, coverage = -cut.certainty if score.higher_is_less_certain else cut.certainty, cut.n / len(labels)
        message = (
            f"accept {score} {accepts} {threshold!r}: {format_share(coverage)} of answers, at most "
            f"{format_share(target_error)} of them incorrect, with {format_share(confidence)} confidence"
        )
    return Threshold(
        score=score,
        accepts=accepts,
        threshold=threshold,
        coverage=coverage,
        certified=cut is not None,
        bound=None if tried is None else tried.bound,
        n=len(labels),
        message=message + _describe_mixture(rows) + (HELD_OUT if score is Score.P_CORRECT else ""),
    )


def _explain(labels: Labels, first: Cut | None, target_error: float, confidence: float) -> str:
    """Explain why no threshold is certified: name a possible target, or the number of missing labels."""
    needed, n = count_needed(target_error, confidence), len(labels)
    target, sure = format_share(target_error), format_share(confidence)
    if first is None:
        return (
            f"not certified: {count_labelled(n)}; {_be(needed)} needed for at most {target} incorrect with {sure} "
            f"confidence, even if no answer is incorrect, so {_be(needed - n)} missing"
        )
    seen = (
        f"not certified: of the most confident {format_share(first.n / n)} ({count_labelled(first.n)}), "
        f"{_be(first.wrong)} incorrect, so at most {format_share(first.bound)} with {sure} confidence"
    )
    possible = find_possible_target(labels.certainty, labels.right, target_error=target_error, confidence=confidence)
    instead = "no target_error can be certified" if possible is None else f"target_error={possible:g} can be certified"
    enough = count_labels(first.wrong / first.n, target_error=target_error, confidence=confidence)
    if enough is None:
        return f"{seen}; {instead}. More labels with this share of incorrect answers can't certify {target}"
    missing = max(1, -(-enough * n // first.n) - n)
    more = f"About {missing} more {'label' if missing == 1 else 'labels'} with this share of incorrect answers"
    return f"{seen}; {instead}. {more} would certify {target}"


def _be(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"


def _describe_mixture(rows: Sequence[LabelRow]) -> str:
    kinds = len({(row.model, row.k) for row in rows})
    return f". The labels mix {kinds} models or top-k lengths; filter by model and k" if kinds > 1 else ""


def format_share(share: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.4g} %"
