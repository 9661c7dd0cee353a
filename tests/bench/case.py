"""What a case is."""

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
        floor: what is the least that it could take.
        run: measures it, in the scene that its group sets.
        target: how many times the floor it may take; null where none was set.
        unit: of all its numbers.
        is_slow: left out of a quick run.
    """

    name: str
    floor: str
    run: Callable[[Scene], Measured]
    target: float | None = None
    unit: str = "ms"
    is_slow: bool = False


@dataclass(frozen=True)
class Group(Generic[Scene]):
    """Cases that share servers and data; `open` sets the scene for all of them."""

    name: str
    open: Callable[[Stage], AbstractContextManager[Scene]]
    cases: list[Case[Scene]]
