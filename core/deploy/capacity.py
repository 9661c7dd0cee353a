"""Choose the containers of an environment's web functions, and count the connections that they may open."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from core.deploy.names import DeploymentError
from core.settings import Settings

POOL = "DATABASE_POOL_SIZE"
KNOWN_POOL = "KNOWN_POOL_SIZE"
"""The variable with which `make deploy` passes on the number that a container found, and `modal deploy` can't read."""
STREAM_CONNECTIONS = 1
"""Each process with streams has one more connection, which listens."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A number for every function, and other numbers for single ones: `10,api=4`.

    Attributes:
        variable: the variable that it was read from.
        all: the number for the other functions; None leaves the function's own.
        single: the numbers by function.
    """

    variable: str
    all: float | None
    single: Mapping[str, float]

    def of(self, function: str) -> float | None:
        """Return the number for a function, or None if it is not set."""
        return self.single.get(function, self.all)


@dataclass(frozen=True, slots=True)
class Capacity:
    """The knobs of an environment. `pool_size` is the number of connections per container, None if not chosen."""

    most: Knob
    fewest: Knob
    cpu: Knob
    pool_size: int | None


def choose_capacity(environ: Mapping[str, str], functions: Collection[str]) -> Capacity:
    """Read MODAL_MAX_CONTAINERS, MODAL_MIN_CONTAINERS, MODAL_CPU and DATABASE_POOL_SIZE.

    Raises:
        DeploymentError: a value is not valid, or names no function of the layout.
    """
    most, fewest, cpu = (
        _read_knob(environ, f"MODAL_{name}", functions, least=least, whole=whole)
        for name, least, whole in (("MAX_CONTAINERS", 1, True), ("MIN_CONTAINERS", 0, True), ("CPU", 0.125, False))
    )
    text = environ.get(POOL, "")
    return Capacity(most, fewest, cpu, int(_read_number(POOL, text, least=1, whole=True)) if text else None)


def _read_knob(
    environ: Mapping[str, str], variable: str, functions: Collection[str], *, least: float, whole: bool
) -> Knob:
    everywhere, single = None, dict[str, float]()
    for part in filter(None, environ.get(variable, "").replace(" ", "").split(",")):
        name, separator, text = part.rpartition("=")
        number = _read_number(variable, text, least=least, whole=whole)
        if not separator:
            everywhere = number
        elif name in functions:
            single[name] = number
        else:
            known = ", ".join(functions)
            raise DeploymentError(f"{variable}: {name!r} is not a function of this layout; use {known}")
    return Knob(variable, everywhere, single)


def _read_number(variable: str, text: str, *, least: float, whole: bool) -> float:
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= 1000:
        raise DeploymentError(f"{variable}: {text!r} is not a number from {least} to 1000; write 4 or 4,api=10")
    return number


def describe_pool(size: int) -> str:
    """Return the line of `chores.py::status` about the pool of a container, whose settings only a container knows."""
    return f"pool      {size} connections per container"


def find_pool(status: str) -> dict[str, str]:
    """Return the size of the pool in the output of `chores.py::status`, as the variable for `modal deploy`."""
    found = re.search(r"^pool +(\d+) connections", status, re.MULTILINE)
    return {KNOWN_POOL: found[1]} if found else {}


def describe_connections(
    containers: Mapping[str, int], environ: Mapping[str, str], pool_size: int | None, streaming: Collection[str]
) -> str:
    """Return the sentence about connections that a deploy prints. One more container does scheduled work.

    Args:
        containers: the largest number of containers of each function.
        environ: the environment variables.
        pool_size: the connections of a container's pool that the deploy sets, if any.
        streaming: the functions with streams.
    """
    known = environ.get(KNOWN_POOL)
    size = pool_size or int(known or Settings.model_fields["database_pool_size"].default)
    unless = "" if pool_size or known else f", unless the secret has another {POOL}"
    streams = sum(STREAM_CONNECTIONS * count for name, count in containers.items() if name in streaming)
    total = (sum(containers.values()) + 1) * size + streams
    return (
        f"At most {sum(containers.values())} containers open up to {total} connections to the database "
        f"({POOL}={size}{unless}); see docs/BACKUP.md, Connections"
    )
