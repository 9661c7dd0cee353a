"""The sequence scores by name, and what may be done with each."""

from enum import StrEnum


class Score(StrEnum):
    """A score of a whole request; each is a column of `requests`."""

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

    @property
    def higher_is_less_certain(self) -> bool:
        """Whether its direction is that of doubt: its negative then ranks as confidence does."""
        return self in _OF_DOUBT

    @property
    def is_probability_like(self) -> bool:
        """Whether it lies in 0…1 and rises with certainty, so that it can be compared with a share of answers."""
        return self in _PROBABILITY_LIKE


_OF_DOUBT = frozenset({Score.PERPLEXITY, Score.SEQUENCE_NLL, Score.MEAN_TOKEN_ENTROPY, Score.LOW_CONFIDENCE_FRACTION})
_PROBABILITY_LIKE = frozenset(
    {
        Score.SEQUENCE_CONFIDENCE,
        Score.MIN_TOKEN_PROBABILITY,
        Score.MEAN_TOKEN_NEGENTROPY,
        Score.MIN_TOKEN_NEGENTROPY,
        Score.PROBABILITY_MARGIN,
    }
)
