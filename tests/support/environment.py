"""The environment of the processes under test: the developer's, without Thunder's settings."""

import os
from pathlib import Path

from core.settings import Settings

ROOT = Path(__file__).parents[2]
SETTINGS = frozenset(name.upper() for name in Settings.model_fields) | {"MODAL_APP_NAME", "MODAL_SECRET_NAME"}


def make_environment(**settings: str) -> dict[str, str]:
    """Return an environment that has these settings of Thunder and no others."""
    return {**{name: value for name, value in os.environ.items() if name.upper() not in SETTINGS}, **settings}
