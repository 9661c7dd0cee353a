"""GET /v1/confidence/threshold: the threshold above which answers may be accepted."""

from typing import Annotated

from fastapi import APIRouter, Query

from core.statistics.labels import fetch_labels
from core.statistics.scores import Score
from core.statistics.threshold import DEFAULT_CONFIDENCE, DEFAULT_TARGET, Threshold, certify
from core.statistics.warm_up import fetch_values, find_threshold, refuse_with_keep
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.labelled import VALUE_BYTES, LabelledDep, measure_labels

router = APIRouter(tags=["confidence"])

TargetParam = Annotated[float | None, Query(ge=0.001, le=0.999, description=f"default {DEFAULT_TARGET}")]
ConfidenceParam = Annotated[float | None, Query(ge=0.5, le=0.9999, description=f"default {DEFAULT_CONFIDENCE}")]
KeepParam = Annotated[float | None, Query(ge=0.001, le=0.999)]


@router.get("/v1/confidence/threshold")
async def get_threshold(  # noqa: PLR0913 - each is a query parameter
    context: ContextDep,
    key: KeyDep,
    labelled: LabelledDep,
    *,
    score: Score | None = None,
    target_error: TargetParam = None,
    confidence: ConfidenceParam = None,
    keep: KeepParam = None,
) -> Threshold:
    """Return the threshold that accepts the most answers of which at most `target_error` are wrong.

    With `keep`, return the threshold of lowest_group_confidence that this share of a model's requests reach, which
    needs no outcomes.
    """
    if keep is not None:
        refuse_with_keep(score, labelled, target_error=target_error, confidence=confidence)
        values = await fetch_values(context.access, key, labelled=labelled)
        with context.reserve_for(key, len(values) * VALUE_BYTES):
            return await context.run_for(key, find_threshold, values, keep=keep, k=labelled.k)
    score = score or Score.SEQUENCE_CONFIDENCE
    if score is Score.P_CORRECT:  # a curve that was fitted to the same outcomes breaks the guarantee
        labelled = labelled._replace(held_out=True)
    target_error, confidence = target_error or DEFAULT_TARGET, confidence or DEFAULT_CONFIDENCE
    rows = await fetch_labels(context.access, key, scores=[score], labelled=labelled)
    with context.reserve_for(key, measure_labels(rows)):
        return await context.run_for(key, certify, score, rows, target_error=target_error, confidence=confidence)
