"""Build a web function's application before Modal takes the snapshot of its container.

deploy.py registers `functions.deployed.<name>` for the endpoint module `functions.<name>`. A container imports this
module and gets that attribute before the snapshot. Modal calls it afterwards, at each cold start.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module

from fastapi import FastAPI

USED_LATER = {
    "activations": ("core.upstream.client", "functions.web.heavy"),
    "api": (
        "scipy.optimize",
        "scipy.stats",
        "core.stream.hub",
        "core.alerts.worker",
        "core.previews.image",
        "core.upstream.client",
        "functions.web.heavy",
    ),
    "calibrators": ("scipy.optimize", "scipy.special"),
    "confidence": ("scipy.stats",),
    "ingest": ("core.alerts.worker", "functions.web.heavy"),
    "log_group": ("core.previews.image", "functions.web.heavy"),
    "share": ("core.previews.image", "functions.web.heavy"),
    "stream": ("core.stream.hub",),
}
"""Modules that the functions import late when they run elsewhere. In a snapshot, they cost a cold start nothing."""


def build_endpoint(name: str) -> FastAPI:
    """Build the application of an endpoint module: its own one, or its router in the usual one."""
    from functions.web.application import build_app  # noqa: PLC0415 - a deploy needs only the names

    module = import_module(f"functions.{name}")
    return module.web() if hasattr(module, "web") else build_app(module.router)


def __getattr__(name: str) -> Callable[[], FastAPI]:
    """Build the application of a function, and return the function of this name that returns it."""
    if name.startswith("_"):
        raise AttributeError(name)
    build(name)
    globals()[name] = refer_to(name)
    return globals()[name]


def refer_to(name: str) -> Callable[[], FastAPI]:
    """Return the function of this name without building its application. A deploy needs no more."""

    def web() -> FastAPI:
        return build(name)

    web.__name__ = web.__qualname__ = name
    return web


@cache
def build(name: str) -> FastAPI:
    """Import what an endpoint uses late, and build its application."""
    for module in ("functions.web.metrics", *USED_LATER.get(name, ())):
        import_module(module)
    return build_endpoint(name)
