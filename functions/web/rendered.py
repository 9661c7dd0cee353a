"""Schemas of the answers that are rendered as JSON without a model of FastAPI: the log, the report and the spans."""

import inspect
from types import GenericAlias
from typing import Any, get_type_hints

import msgspec

from core.answers.json_values import Value
from core.answers.spans import Alternative, Measure, Span
from core.confidence import InterventionScores, SequenceScores, TokenScores
from core.reports.report import TokenOrigin
from core.responses.alignment import Alignment
from core.traces.inference_stats import FIELDS
from core.traces.log_rows import (
    ActionRow,
    EventRow,
    LogFacts,
    LogHead,
    LogState,
    ModCallRow,
    ModLogRow,
    PassRow,
    StepRow,
)

ATTRIBUTES = "Attributes:"


def _join(name: str, description: str, *types: type, **members: Any) -> type[msgspec.Struct]:  # noqa: ANN401 - types
    """Define an object with the members of several types, then others. Rendering makes objects of named tuples."""
    joined = {member: kind for one in types for member, kind in get_type_hints(one).items()} | members
    attributes = [inspect.cleandoc(one.__doc__ or "").partition(ATTRIBUTES)[2] for one in types]
    documented = "\n".join([description, ATTRIBUTES, *attributes])
    return msgspec.defstruct(name, list(joined.items()), namespace={"__doc__": documented})


def _list(name: str, description: str, *types: type, **members: Any) -> GenericAlias:  # noqa: ANN401 - types
    return GenericAlias(list, (_join(name, description, *types, **members),))


LOG = _join(
    "Log",
    "One request with all its scored tokens.",
    LogState,
    LogHead,
    LogFacts,
    sampling=dict[str, int | float | bool],
    events=list[EventRow],
    mod_calls=list[ModCallRow],
    mod_logs=list[ModLogRow],
    actions=list[ActionRow],
    steps=list[StepRow],
    step_logit_summaries=list[PassRow],
    interventions=list[InterventionScores],
    inference_stats=_join("InferenceStats", "Reported or derived values.", **dict.fromkeys(FIELDS, Any)),
)
_SPANS: dict[str, Any] = {
    "spans": _list(
        "AnswerSpan",
        "A run of words that each have a token below the limit.",
        Span,
        alternatives=_list("OtherToken", "Another token that the model could have chosen.", Alternative),
    ),
    "json": _list(
        "JsonValue",
        "A value of an answer that is JSON: its path as a JSON Pointer, and its confidence.",
        Value,
        Measure,
    )
    | None,
}
_SCORES: dict[str, Any] = {
    "p_correct": float | None,
    "calibrator": dict[str, int] | None,
    "k": int | None,
    "logprobs_mode": str | None,
    "alignment": Alignment,
    "warnings": list[str],
    "sequence": SequenceScores,
    "tokens": _list("ScoredToken", "A token and its scores.", TokenOrigin, TokenScores, group_confidence=float | None),
    "interventions": list[InterventionScores],
}
SPANS = _join(
    "Spans", "The least confident words of an answer, and the values of its JSON; null if it has none.", **_SPANS
)
STORED_REPORT = _join("Report", "Every score of a request.", request_id=str, **_SCORES)
POSTED_REPORT = _join("PostedReport", "Every score of a posted answer.", **_SCORES, **_SPANS, n=int, votes=Any)
