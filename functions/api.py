"""Serve all endpoints on one origin, for browsers and for clients with a single base URL."""

from fastapi import FastAPI

from functions import (
    activations,
    alerts,
    audit,
    auth,
    calibrators,
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
    playground,
    score,
    share,
    stream,
)
from functions.web import reference
from functions.web.application import build_app
from functions.web.scaling import Scaling
from functions.web.viewer import mount_viewer

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=1024, timeout_s=3600)
"""The timeout of an hour is for streams; all other requests have shorter limits."""

ENDPOINTS = (
    stream,
    logs,
    ingest,
    activations,
    alerts,
    audit,
    auth,
    calibrators,
    collections,
    confidence,
    curation,
    deletions,
    discussions,
    health,
    metrics,
    mods,
    outcomes,
    playground,
    score,
    share,
)
"""All endpoint modules. Routes are matched in order, so the most frequently used ones come first."""


def web() -> FastAPI:
    """Build the ASGI application that serves every endpoint and the viewer."""
    app = build_app(*(endpoint.router for endpoint in ENDPOINTS))
    mount_viewer(app)
    app.routes.extend(reference.router.routes)
    return app
