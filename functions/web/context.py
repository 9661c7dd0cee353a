"""The resources of a serving process: settings, pool, threads, budget and caches."""

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar, TypeVarTuple

from fastapi import Depends, FastAPI
from fastapi.requests import HTTPConnection

from core.access.access import Access
from core.access.caller import UnknownKeyError
from core.access.turns import Account, Turns
from core.database.direct import find_direct_dsn, is_suspended_when_idle
from core.database.pool import Pool, open_pool
from core.errors import ThunderError
from core.logging import configure_logging
from core.settings import Settings
from core.traces.log_cache import LogCache
from functions.web.address import find_address
from functions.web.budget import Budget
from functions.web.connections import PROXIES
from functions.web.guesses import Guesses
from functions.web.memory import configure_memory
from functions.web.repeats import Repeats
from functions.web.spool import Part
from functions.web.unpack import MIB

if TYPE_CHECKING:
    from core.activations.health import Probes
    from core.alerts.worker import AlertWorker
    from core.stream.hub import Hub
    from core.upstream.client import Upstreams
    from functions.web.heavy import HeavyProcesses
    from functions.web.metrics import Metrics
    from functions.web.telemetry import Telemetry

log = logging.getLogger(__name__)

WORKERS = 2
"""Threads for parsing documents. More threads would share the same GIL, and a parsed document takes up to ten times its
size."""

HEAVY_PROCESSES = 2
"""Separate processes for large bodies and documents. One account uses at most half of them."""

HELD_BODIES = 4
"""The byte budget, as a number of bodies of MAX_BODY_MB. One account gets at most half."""

KEEPS_SCHEDULE = "keeps_schedule"
"""A flag in the application's state: whether its process does the work that a scheduled function does on Modal."""

METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with the directory in which several processes of `make run` share their metrics."""

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True)
class Context:
    """Settings and resources of one process. They are opened in the lifespan, never at import.

    Some resources are imported on first use, because importing them would delay the first answer of every function.
    """

    settings: Settings
    executor: ThreadPoolExecutor
    access: Access
    logs: LogCache
    budget: Budget
    guesses: Guesses = field(default_factory=Guesses)
    repeats: Repeats = field(default_factory=Repeats)
    light_turns: Turns = field(default_factory=lambda: Turns(WORKERS))
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
        from functions.web.telemetry import Telemetry  # noqa: PLC0415 - see above

        try:
            return Telemetry(self.settings, self.metrics)
        except ValueError as error:  # the service must not stop because nothing can be exported
            log.error("OTEL_…: nothing is exported, because a variable is invalid (%s); correct it", error)  # noqa: TRY400
            return None

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
        """Run CPU-bound work in a thread, so that it does not block other requests."""
        call = partial(function, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(self.executor, call)

    async def run_light(self, account: Account, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run CPU-bound work in a thread, with accounts taking turns."""
        async with self.light_turns.turn(account):
            return await self.run(function, *arguments, **named)

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


@asynccontextmanager
async def open_context(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Open and close the context of a web function. Works without a database, for /livez and error messages.

    Yield the state that uvicorn passes to the protocols of its connections.
    """
    settings = Settings()
    configure_logging(settings.log_level)
    configure_memory()
    with ThreadPoolExecutor(WORKERS, "thunder") as executor:
        async with _open_pool(settings) as pool:
            access = _make_access(settings, pool)
            _warn(access)
            budget = Budget(HELD_BODIES * settings.max_body_mb * MIB)
            logs = LogCache(settings.log_cache_mb * MIB)
            context = app.state.context = Context(settings, executor, access, logs, budget)
            try:
                with _ending_streams(context):
                    wanted = getattr(app.state, KEEPS_SCHEDULE, False)
                    async with _keep_schedule(context, wanted=wanted), _keep_measuring(context):
                        yield {PROXIES: settings.proxy_networks}
            finally:
                await context.close()


@asynccontextmanager
async def _keep_schedule(context: Context, *, wanted: bool) -> AsyncIterator[None]:
    """Do the scheduled work of alerts in this process, if it is one of `make run`. On Modal, a function does it."""
    if not wanted or context.access.open_pool is None:
        yield
        return
    from core.alerts.worker import INTERVAL_S, SLEEPING_INTERVAL_S  # noqa: PLC0415 - see above

    interval_s = SLEEPING_INTERVAL_S if is_suspended_when_idle(context.settings) else INTERVAL_S
    task = asyncio.create_task(context.alerts.run_repeatedly(interval_s))
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def _keep_measuring(context: Context) -> AsyncIterator[None]:
    """Update the gauges of this process, if others report them."""
    if METRICS_DIRECTORY not in os.environ and context.telemetry is None:
        yield
        return
    from functions.web.measuring import measure_repeatedly  # noqa: PLC0415 - see above

    task = asyncio.create_task(measure_repeatedly(context))
    try:
        yield
    finally:
        task.cancel()
        if context.telemetry is not None:
            await context.telemetry.close()


def _warn(access: Access) -> None:
    if multiprocessing.parent_process() is not None:
        return  # a worker of `make run`, whose banner says this once
    for warning in access.warnings:
        log.warning(warning)


def _open_pool(settings: Settings) -> AbstractAsyncContextManager[Pool | None]:
    return nullcontext() if settings.database_url is None else open_pool(settings)


def _make_access(settings: Settings, pool: Pool | None) -> Access:
    return Access(
        open_pool=pool,
        admin_key=settings.admin_key,
        secret=settings.secret,
        previous_secret=settings.previous_secret,
        ingest_open=settings.ingest_auth == "open",
        keyless=settings.playground_keyless,
    )


@contextmanager
def _ending_streams(context: Context) -> Iterator[None]:
    """End all streams on the signal that stops the server, which would otherwise wait for them."""
    if threading.current_thread() is not threading.main_thread():  # a server in a test: its thread gets no signals
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(context.hub.end_streams)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number, handler in before.items():
        if callable(handler):
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
