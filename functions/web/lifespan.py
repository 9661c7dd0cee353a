"""Open and close the resources of a serving process, and do its work in the background."""

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

from fastapi import FastAPI

from core.access.access import Access
from core.database.direct import is_suspended_when_idle
from core.database.pool import Pool, open_pool
from core.logging import configure_logging
from core.settings import Settings
from core.traces.log_cache import LogCache
from functions.web.budget import Budget
from functions.web.connections import PROXIES
from functions.web.context import METRICS_DIRECTORY, THREADS, Context
from functions.web.memory import configure_memory
from functions.web.unpack import MIB

log = logging.getLogger(__name__)

HELD_BODIES = 4
"""The byte budget, as a number of bodies of MAX_BODY_MB. One account gets at most half."""

KEEPS_SCHEDULE = "keeps_schedule"
"""A flag in the application's state: whether its process does the work that a scheduled function does on Modal."""


@asynccontextmanager
async def open_context(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Open and close the context of a web function. Works without a database, for /livez and error messages.

    Yield the state that uvicorn passes to the protocols of its connections.
    """
    settings = Settings()
    configure_logging(settings.log_level)
    configure_memory()
    with ThreadPoolExecutor(THREADS, "thunder") as executor:
        async with _open_pool(settings) as pool:
            access, is_first = _make_access(settings, pool), _is_first()
            for warning in access.warnings if is_first else ():
                log.warning(warning)
            budget = Budget(HELD_BODIES * settings.max_body_mb * MIB)
            logs = LogCache(settings.log_cache_mb * MIB)
            context = app.state.context = Context(settings, executor, access, logs, budget, is_first)
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


def _is_first() -> bool:
    """Return whether this process is the first of a server to start. The processes of `make run` share a directory."""
    directory, parent = os.environ.get(METRICS_DIRECTORY), multiprocessing.parent_process()
    if directory is None or parent is None:
        return True
    try:
        (Path(directory) / f"started-{parent.pid}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


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
