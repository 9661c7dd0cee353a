"""The registrations of deploy.py, recorded from its calls of Modal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import MagicMock

from functions import api

MODULES = {endpoint.__name__.rpartition(".")[2]: endpoint for endpoint in (api, *api.ENDPOINTS)}
ENDPOINTS = sorted(MODULES)


@dataclass(frozen=True)
class Registered:
    """The calls of Modal that a run of deploy.py makes."""

    modal: MagicMock
    image: MagicMock

    @property
    def app_arguments(self) -> dict[str, Any]:
        return self.modal.App.call_args.kwargs

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The keyword arguments of `app.function` by function name."""
        return {call.kwargs["name"]: call.kwargs for call in self.modal.App.return_value.function.call_args_list}


Deploy = Callable[..., Registered]
