"""The definition of a case."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.bench.measure import Measured
from tests.bench.stage import Stage

Scene = TypeVar("Scene")


@dataclass(frozen=True)
class Case(Generic[Scene]):
    """One line of the table.

    Attributes:
        name: unique.
        floor: a description of the least possible time or size.
        run: measures the case in the scene of its group.
        target: the allowed multiple of the floor; None for no target.
        unit: the unit of all its numbers.
        is_slow: whether a quick run omits the case.
    """

    name: str
    floor: str
    run: Callable[[Scene], Measured]
    target: float | None = None
    unit: str = "ms"
    is_slow: bool = False


@dataclass(frozen=True)
class Group(Generic[Scene]):
    """Cases that share servers and data, which `open` prepares."""

    name: str
    open: Callable[[Stage], AbstractContextManager[Scene]]
    cases: list[Case[Scene]]
