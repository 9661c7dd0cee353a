"""All endpoints on one origin, for browsers and for clients that know a single base URL."""

from fastapi import FastAPI

from functions.web.application import build_app
from functions.web.endpoints import import_endpoint, list_endpoints
from functions.web.scaling import Scaling
from functions.web.viewer import mount_viewer

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=1024, timeout_s=3600)
"""An hour is for streams; everything else has its own limits."""

ROUTERS = [import_endpoint(name).router for name in list_endpoints()]
"""Imported with this module: Modal takes a container's snapshot before it calls `web`."""


def web() -> FastAPI:
    """The ASGI application that mounts every endpoint; it adds the viewer, and no route of its own."""
    app = build_app(*ROUTERS)
    mount_viewer(app)
    return app
