"""/v1/confidence/…: the confidence report of a request, and statistics over many requests. One module per topic."""

from fastapi import APIRouter

from functions.confidence import (
    calibration,
    changes,
    drift,
    groups,
    peers,
    report,
    risk_coverage,
    spans,
    summary,
    threshold,
)
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=20, target_inputs=10, memory_mb=1024)

TOPICS = (summary, drift, changes, calibration, risk_coverage, threshold, groups, report, spans, peers)
"""Routes are matched in order, so `report`, `spans` and `peers`, whose paths begin with an id, come last."""

router = APIRouter()
for topic in TOPICS:
    router.routes.extend(topic.router.routes)
