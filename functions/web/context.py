"""The resources of a serving process: settings, database, threads, budget and caches."""

import asyncio
import logging
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, ParamSpec, TypeVar, TypeVarTuple

from fastapi import Depends
from fastapi.requests import HTTPConnection

from core.access.access import Access
from core.access.caller import UnknownKeyError
from core.access.turns import Account, Turns
from core.database.direct import find_direct_dsn, is_suspended_when_idle
from core.errors import ThunderError
from core.settings import Settings
from core.traces.log_cache import LogCache
from functions.web.address import find_address
from functions.web.budget import Budget
from functions.web.guesses import Guesses
from functions.web.repeats import Repeats
from functions.web.spool import Part

if TYPE_CHECKING:
    from core.activations.health import Probes
    from core.alerts.worker import AlertWorker
    from core.stream.hub import Hub
    from core.upstream.client import Upstreams
    from functions.web.heavy import HeavyProcesses
    from functions.web.metrics import Metrics
    from functions.web.telemetry import Telemetry

log = logging.getLogger(__name__)

THREADS = 2
"""For parsing documents. More threads would share the same GIL, and a parsed document takes up to ten times its
size."""

HEAVY_PROCESSES = 2
"""Separate processes for large bodies and documents. One account uses at most half of them."""

METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with the directory in which several processes of `make run` share their metrics."""

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True)
class Context:
    """Settings and resources of one process. functions.web.lifespan opens them, never an import.

    Some resources are imported on first use, because importing them would delay the first answer of every function.

    Attributes:
        is_first: whether this process logs what applies to all processes of a server.
    """

    settings: Settings
    executor: ThreadPoolExecutor
    access: Access
    logs: LogCache
    budget: Budget
    is_first: bool = True
    guesses: Guesses = field(default_factory=Guesses)
    repeats: Repeats = field(default_factory=Repeats)
    light_turns: Turns = field(default_factory=lambda: Turns(THREADS))
    heavy_turns: Turns = field(default_factory=lambda: Turns(HEAVY_PROCESSES, share=HEAVY_PROCESSES // 2))

    @cached_property
    def metrics(self) -> "Metrics":
        """The process's metrics."""
        from functions.web.metrics import Metrics  # noqa: PLC0415 - see above

        return Metrics()

    @cached_property
    def telemetry(self) -> "Telemetry | None":
        """The export of metrics and traces over OTLP, or None if it is not configured, or a variable is invalid."""
        if self.settings.otel_exporter_otlp_endpoint is None:
            return None
        from functions.web.telemetry import Telemetry, list_problems  # noqa: PLC0415 - see above

        opened, problems = None, list_problems()
        try:
            opened = Telemetry(self.settings, self.metrics)
        except ValueError as error:  # the service must not stop because nothing can be exported
            problems.append(f"OTEL_…: nothing is exported, because a variable is invalid ({error}); correct it")
        for problem in problems if self.is_first else ():
            log.warning(problem)
        return opened

    @cached_property
    def heavy(self) -> "HeavyProcesses":
        """The processes for large bodies and documents."""
        from functions.web.heavy import HeavyProcesses  # noqa: PLC0415 - see above

        return HeavyProcesses(HEAVY_PROCESSES)

    @cached_property
    def hub(self) -> "Hub":
        """The process's streams."""
        from core.stream.hub import Hub  # noqa: PLC0415 - see above

        return Hub(
            self.access,
            app_name=self.settings.thunder_app_name,
            direct_dsn=find_direct_dsn(self.settings),
            may_sleep=is_suspended_when_idle(self.settings),
        )

    @cached_property
    def alerts(self) -> "AlertWorker":
        """The process's alerts."""
        from core.alerts.worker import AlertWorker  # noqa: PLC0415 - see above

        return AlertWorker(self.access, self.settings)

    @cached_property
    def upstreams(self) -> "Upstreams":
        """The process's calls to the servers of the playground."""
        from core.upstream.client import Upstreams  # noqa: PLC0415 - see above

        return Upstreams(self.settings)

    @cached_property
    def activation_probes(self) -> "Probes":
        """The process's probes of the servers of the activations page."""
        from core.activations.health import Probes  # noqa: PLC0415 - see above

        return Probes()

    def nudge_alerts(self) -> None:
        """Evaluate and deliver alerts in the background."""
        self.alerts.nudge()

    @property
    def has_streams(self) -> bool:
        """Whether this process has had streams."""
        return "hub" in vars(self)

    def nudge_streams(self) -> None:
        """Notify the streams of this process, if any, that it stored something."""
        if self.has_streams:
            self.hub.nudge()

    async def close(self) -> None:
        """Close the resources that were used."""
        if self.has_streams:
            await self.hub.close()
        if "alerts" in vars(self):
            await self.alerts.close()
        if "heavy" in vars(self):
            self.heavy.close()

    async def run(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run CPU-bound work in a thread within a turn, so that it does not block other requests."""
        call = partial(function, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(self.executor, call)

    async def run_light(self, account: Account, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run CPU-bound work in a thread, with accounts taking turns."""
        async with self.light_turns.turn(account):
            return await self.run(function, *arguments, **named)

    @contextmanager
    def reserve_for(self, key: str | None, size: int) -> Generator[None]:
        """Reserve bytes for the rows of a statistic, which wait for their turn, until the end of the block.

        Raises:
            BusyError: the byte budget or the share of the caller is used up.
        """
        with self.budget.reserve(self.access.admission.find_account(key)) as reservation:
            reservation.grow_within_share(size)
            yield

    async def run_for(self, key: str | None, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run CPU-bound work for a caller in a thread, with accounts taking turns."""
        return await self.run_light(self.access.admission.find_account(key), function, *arguments, **named)

    async def run_heavy(
        self, account: Account, function: Callable[[bytes, *Ts], T], content: bytes | Part, *arguments: *Ts
    ) -> T:
        """Call a module-level function in a separate process, with accounts taking turns.

        Reserve the bytes of `content` in `budget` first.

        Raises:
            TooHeavyError: the call needs more memory or time than a job may use.
        """
        async with self.heavy_turns.turn(account):
            return await self.heavy.run(function, content, *arguments)


async def get_context(connection: HTTPConnection) -> Context:
    """Return the context of the process that serves this request.

    Async, because FastAPI would run a plain function in a thread.
    """
    return connection.app.state.context


async def slow_down(connection: HTTPConnection, error: ThunderError) -> None:
    """Delay a client that sends one wrong key after another.

    Raises:
        TooManyGuessesError: too many answers to this client are already delayed.
    """
    if isinstance(error, UnknownKeyError):
        context: Context = connection.app.state.context
        await context.guesses.wait(find_address(connection, context.settings.proxy_networks), error.fingerprint)


ContextDep = Annotated[Context, Depends(get_context)]
