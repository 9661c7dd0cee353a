"""GET /v1/confidence/calibration: a score compared with the recorded outcomes."""

from typing import Annotated

from fastapi import APIRouter, Query

from core.statistics.calibration import DEFAULT_BINS, MAX_BINS, Calibration, calibrate
from core.statistics.labels import fetch_labels
from core.statistics.scores import Score
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.labelled import LabelledDep, measure_labels

router = APIRouter(tags=["confidence"])


@router.get("/v1/confidence/calibration")
async def get_calibration(
    context: ContextDep,
    key: KeyDep,
    labelled: LabelledDep,
    *,
    score: Score = Score.SEQUENCE_CONFIDENCE,
    bins: Annotated[int, Query(ge=1, le=MAX_BINS)] = DEFAULT_BINS,
) -> Calibration:
    """Compare a score with the recorded outcomes: the share of correct answers per bin of the score."""
    labels = await fetch_labels(context.access, key, scores=[score], labelled=labelled)
    with context.reserve_for(key, measure_labels(labels)):
        return await context.run_for(key, calibrate, score, labels, bins=bins)
