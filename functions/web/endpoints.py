"""The endpoint modules: every module of `functions` but `api`, which mounts the others."""

import pkgutil
from importlib import import_module
from types import ModuleType

import functions

ONE_ORIGIN = "api"
FIRST = ("stream", "logs", "ingest")
"""A request is compared with route after route, and these are asked most. /logs/stream before /logs/{request_id}."""


def list_endpoints() -> list[str]:
    """Names of the endpoint modules, `api` left out; a new file is a new endpoint."""
    found = pkgutil.iter_modules(functions.__path__)
    names = [module.name for module in found if not module.ispkg and module.name != ONE_ORIGIN]
    return sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))


def import_endpoint(name: str) -> ModuleType:
    """One endpoint module."""
    return import_module(f"functions.{name}")
