"""All endpoints on one origin, for browsers and for clients that know a single base URL."""

from fastapi import FastAPI

from functions import (
    audit,
    auth,
    collections,
    confidence,
    curation,
    deletions,
    discussions,
    health,
    ingest,
    logs,
    metrics,
    mods,
    outcomes,
    score,
    share,
    stream,
)
from functions.web.application import build_app
from functions.web.scaling import Scaling
from functions.web.viewer import mount_viewer

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=1024, timeout_s=3600)
"""An hour is for streams; everything else has its own limits."""

ENDPOINTS = (
    stream,
    logs,
    ingest,
    audit,
    auth,
    collections,
    confidence,
    curation,
    deletions,
    discussions,
    health,
    metrics,
    mods,
    outcomes,
    score,
    share,
)
"""Every endpoint module. A request is compared with route after route, so the most used come first."""


def web() -> FastAPI:
    """The ASGI application that mounts every endpoint; it adds the viewer, and no route of its own."""
    app = build_app(*(endpoint.router for endpoint in ENDPOINTS))
    mount_viewer(app)
    return app
