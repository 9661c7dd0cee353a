"""Comparisons with a tolerance."""

from typing import Any

import pytest


def near(value: Any, *, rel: float = 1e-12, absolute: float = 0.0) -> Any:
    """Expect a value, with a tolerance if it is a float. A dict is expected member by member."""
    match value:
        case float():
            return pytest.approx(value, rel=rel, abs=absolute)
        case dict():
            return {name: near(one, rel=rel, absolute=absolute) for name, one in value.items()}
        case _:
            return value
