"""The endpoint modules: every module of `functions` but `api`, which mounts the others."""

import pkgutil
from importlib import import_module
from types import ModuleType

import functions

ONE_ORIGIN = "api"


def list_endpoints() -> list[str]:
    """Names of the endpoint modules, `api` left out; a new file is a new endpoint."""
    found = pkgutil.iter_modules(functions.__path__)
    names = [module.name for module in found if not module.ispkg and module.name != ONE_ORIGIN]
    # `logs` last: its /logs/{request_id} would take /logs/stream for a request.
    return sorted(names, key=lambda name: (name == "logs", name))


def import_endpoint(name: str) -> ModuleType:
    """One endpoint module."""
    return import_module(f"functions.{name}")
