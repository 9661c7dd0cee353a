"""The names and properties of the sequence scores."""

from enum import StrEnum


class Score(StrEnum):
    """A score of a request, or the probability that a calibrator derives from one. Each is a column of `requests`."""

    SEQUENCE_CONFIDENCE = "sequence_confidence"
    PERPLEXITY = "perplexity"
    SEQUENCE_NLL = "sequence_nll"
    MIN_TOKEN_PROBABILITY = "min_token_probability"
    MEAN_TOKEN_ENTROPY = "mean_token_entropy"
    MEAN_TOKEN_NEGENTROPY = "mean_token_negentropy"
    MIN_TOKEN_NEGENTROPY = "min_token_negentropy"
    PROBABILITY_MARGIN = "probability_margin"
    MEAN_CONFIDENCE = "mean_confidence"
    TAIL_CONFIDENCE = "tail_confidence"
    LOWEST_GROUP_CONFIDENCE = "lowest_group_confidence"
    BOTTOM_10PCT_GROUP_CONFIDENCE = "bottom_10pct_group_confidence"
    LOW_CONFIDENCE_FRACTION = "low_confidence_fraction"
    P_CORRECT = "p_correct"

    @property
    def higher_is_less_certain(self) -> bool:
        """Whether a higher score means less certain. The negated score then ranks answers like a confidence."""
        return self in _HIGHER_IS_LESS_CERTAIN

    @property
    def is_probability_like(self) -> bool:
        """Whether the score is in 0…1 and increases with certainty, so that it can be compared with accuracy."""
        return self in _PROBABILITY_LIKE


_HIGHER_IS_LESS_CERTAIN = frozenset(
    {Score.PERPLEXITY, Score.SEQUENCE_NLL, Score.MEAN_TOKEN_ENTROPY, Score.LOW_CONFIDENCE_FRACTION}
)
_PROBABILITY_LIKE = frozenset(
    {
        Score.SEQUENCE_CONFIDENCE,
        Score.MIN_TOKEN_PROBABILITY,
        Score.MEAN_TOKEN_NEGENTROPY,
        Score.MIN_TOKEN_NEGENTROPY,
        Score.PROBABILITY_MARGIN,
        Score.P_CORRECT,
    }
)
