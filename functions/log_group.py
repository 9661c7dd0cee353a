"""Serve reading and curation: every route under /logs except the stream. This is `logs` in the layout `grouped`."""

from fastapi import FastAPI

from functions import collections, curation, deletions, discussions, logs, outcomes, share
from functions.web.application import build_app
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512)

ENDPOINTS = (logs, curation, discussions, outcomes, collections, share, deletions)
"""The endpoint modules. Their routes outside /logs are served, too."""


def web() -> FastAPI:
    """Build the ASGI application that serves these endpoints."""
    return build_app(*(endpoint.router for endpoint in ENDPOINTS))
