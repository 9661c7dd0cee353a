"""What a process has while it serves: settings, the pool, and room to work in threads."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ParamSpec, TypeVar

from fastapi import Depends, FastAPI
from fastapi.requests import HTTPConnection

from core.database.pool import NotConfiguredError, Pool, open_pool
from core.settings import Settings

WORKERS = 2
"""Documents parsed at once. More only share the interpreter's lock, and each may hold ten times its size."""

GC_THRESHOLD = 100_000
"""Allocations between collections. A document is that many objects, none of them garbage: the default of 700 looks
through them hundreds of times and doubles the time of an ingest."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """One process's settings and resources; opened in the lifespan, never at import."""

    settings: Settings
    executor: ThreadPoolExecutor
    open_pool: Pool | None

    @property
    def pool(self) -> Pool:
        """The pool.

        Raises:
            NotConfiguredError: the process started without DATABASE_URL.
        """
        if self.open_pool is None:
            raise NotConfiguredError("DATABASE_URL is not set")
        return self.open_pool

    async def run(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Do what takes the processor long without holding up the other requests."""
        call = partial(function, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(self.executor, call)


@asynccontextmanager
async def open_context(app: FastAPI) -> AsyncIterator[None]:
    """The lifespan of every web function. Without a database it still starts: /livez and errors must answer."""
    settings = Settings()
    gc.set_threshold(GC_THRESHOLD)
    with ThreadPoolExecutor(WORKERS, "thunder") as executor:
        if settings.database_url is None:
            app.state.context = Context(settings, executor, None)
            yield
            return
        async with open_pool(settings) as pool:
            app.state.context = Context(settings, executor, pool)
            yield


def get_context(connection: HTTPConnection) -> Context:
    """The context of the process that serves this request."""
    return connection.app.state.context


ContextDep = Annotated[Context, Depends(get_context)]
