"""Compute confidence scores from token probabilities. Pure functions; no I/O.

    distribution = read_distribution(entries, "events[12].top_tokens")
    tokens = [Token(504, "The", distribution=distribution), …]
    scores = score_tokens(tokens)
    sequence = score_sequence(tokens, scores)

If all top-k lists of a trace are regular, its tokens can be scored in one pass:

    table = decode_lists(texts)
    nucleus = find_nucleus_columns(table, 0.9)
    columns = score_columns(table, rows=rows, tokens=ids, sampled=~(forced | discarded), nucleus=nucleus)
    sequence, profile = summarize_columns(columns, forced=forced, discarded=discarded)

Scores keep the names used in the literature, use natural logarithms, and are None where they can't be derived. They
measure what the model believed, not whether it was right. docs/CONFIDENCE.md explains each score.
"""

from core.confidence.chosen import lists_number, reconcile_list
from core.confidence.columns import TokenColumns, find_nucleus_columns, score_columns, to_columns
from core.confidence.decode import Entry, PostedList, decode_distribution
from core.confidence.distribution import (
    MAX_TOKEN_ID,
    MAX_TOP_TOKENS,
    Distribution,
    make_distribution,
    read_distribution,
)
from core.confidence.intervention import (
    Intervention,
    InterventionScores,
    score_interventions,
)
from core.confidence.number import InvalidDistribution, read_chosen_logprob, read_logprob, read_prob
from core.confidence.score import DEFAULT_TOP_P, score_tokens
from core.confidence.sequence import LOW_CONFIDENCE, Coverage, SequenceScores, score_sequence, summarize_columns
from core.confidence.shape import find_nucleus
from core.confidence.table import ListTable, decode_lists
from core.confidence.token import Token, TokenScores
from core.confidence.window import DEFAULT_WINDOW, group_confidences

__all__ = [
    "DEFAULT_TOP_P",
    "DEFAULT_WINDOW",
    "LOW_CONFIDENCE",
    "MAX_TOKEN_ID",
    "MAX_TOP_TOKENS",
    "Coverage",
    "Distribution",
    "Entry",
    "Intervention",
    "InterventionScores",
    "InvalidDistribution",
    "ListTable",
    "PostedList",
    "SequenceScores",
    "Token",
    "TokenColumns",
    "TokenScores",
    "decode_distribution",
    "decode_lists",
    "find_nucleus",
    "find_nucleus_columns",
    "group_confidences",
    "lists_number",
    "make_distribution",
    "read_chosen_logprob",
    "read_distribution",
    "read_logprob",
    "read_prob",
    "reconcile_list",
    "score_columns",
    "score_interventions",
    "score_sequence",
    "score_tokens",
    "summarize_columns",
    "to_columns",
]
