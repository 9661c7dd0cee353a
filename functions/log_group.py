"""Serve reading and curation: every route under /logs except the stream. This is `logs` in the layout `grouped`."""

from fastapi import APIRouter

from functions import collections, curation, deletions, discussions, logs, outcomes, share
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512)

router = APIRouter()
"""The routes of the endpoints, also those outside /logs."""
for endpoint in (logs, curation, discussions, outcomes, collections, share, deletions):
    router.routes.extend(endpoint.router.routes)
