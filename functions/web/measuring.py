"""Measure the process and the database for the metrics."""

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from core.database.health import ask_in_time, read_newest
from core.errors import ThunderError
from core.statistics.recent import measure_models

if TYPE_CHECKING:
    from functions.web.context import Context
    from functions.web.figures import Figures

INTERVAL_S = 5
"""How often a process updates the gauges that others report: another process, or a collector."""
FIGURES_INTERVAL_S = 60
"""How often a process reads the figures for a collector, if it answers requests. Others don't wake a database."""
KEPT_S = 2 * FIGURES_INTERVAL_S
"""How long a process without requests reports the figures of the last hour that it has read."""


def measure_process(context: "Context") -> None:
    """Update the gauges of this process."""
    metrics = context.metrics
    metrics.note_process()
    metrics.stream_clients.set(context.hub.clients if context.has_streams else 0)
    if context.access.open_pool is not None:
        metrics.note_pool(context.access.open_pool)


async def read_figures(context: "Context") -> "Figures":
    """Return the figures of the database. If it does not answer, only `is_readable` is known."""
    from functions.web.figures import Figures  # noqa: PLC0415 - functions import prometheus_client at first use

    pool = context.access.open_pool
    figures = Figures(is_readable=False)
    if pool is not None:
        with contextlib.suppress(ThunderError):
            figures = Figures(True, await ask_in_time(read_newest(pool)))  # noqa: FBT003 - a field
            figures = replace(figures, models=tuple(await ask_in_time(measure_models(pool))))
    return figures


async def measure_repeatedly(context: "Context") -> None:
    """Update the gauges of this process, and the figures for a collector, until it is cancelled."""
    read_at, answers = float("-inf"), 0
    while True:
        measure_process(context)
        telemetry, now = context.telemetry, time.monotonic()
        if telemetry is not None and now - read_at >= FIGURES_INTERVAL_S and telemetry.answers != answers:
            read_at, answers = now, telemetry.answers
            telemetry.figures = await read_figures(context)
        elif telemetry is not None and now - read_at >= KEPT_S:
            telemetry.figures = replace(telemetry.figures, is_readable=None, models=())
        await asyncio.sleep(INTERVAL_S)
