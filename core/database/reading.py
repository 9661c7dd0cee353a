"""Reads in a pipeline: the check of the connection and of the database's owner travels with the first statement.

psycopg's own pipeline asks for results with a flush and ends with a sync, which is one round trip more. Here the sync
itself asks for them, so that nothing is left to wait for at the end.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from psycopg import AsyncConnection, AsyncPipeline
from psycopg._pipeline_base import PendingResult
from psycopg.abc import PQGen
from psycopg.errors import PipelineAborted
from psycopg.pq import ConnStatus, PipelineStatus
from psycopg.pq.abc import PGresult
from typing_extensions import override

T = TypeVar("T")
U = TypeVar("U")


class ReadPipeline(AsyncPipeline):
    """A pipeline that waits for the server once per fetch, and not at its end. Each fetch ends a transaction.

    Args:
        conn: a connection in autocommit mode and in no transaction.
        on_answer: called once, when the first statement has succeeded.
    """

    def __init__(self, conn: AsyncConnection, on_answer: Callable[[], None]) -> None:
        super().__init__(conn)
        self._on_answer: Callable[[], None] | None = on_answer

    def ask_early(self) -> None:
        """Have the server answer what was sent so far at once, and not with what follows."""
        self.pgconn.send_flush_request()

    @override
    def _process_results(self, queued: PendingResult, results: list[PGresult]) -> None:
        super()._process_results(queued, results)
        if self._on_answer is not None:
            self._on_answer()
            self._on_answer = None

    @override
    def _fetch_gen(self, *, flush: bool) -> PQGen[None]:
        """Fetch what is outstanding; `flush` says that the server has not been asked to send it yet."""
        if not flush:
            yield from super()._fetch_gen(flush=False)
        elif self.result_queue:
            yield from self._sync_gen()

    @override
    def _exit_gen(self) -> PQGen[None]:
        """Wait for statements that nobody fetched the results of, and after an error for the end of what it aborted."""
        is_aborted = self.status is PipelineStatus.ABORTED
        if self.pgconn.status != ConnStatus.BAD and (is_aborted or self.result_queue or self.command_queue):
            self._enqueue_sync()
            with suppress(PipelineAborted):
                try:
                    yield from self._communicate_gen()
                finally:
                    yield from super()._fetch_gen(flush=False)


async def together(conn: AsyncConnection, first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """Run two statements of a pipeline in one round trip: the second is sent before the first waits for its answer.

    The connection's lock sees to that. It is fair, and both queue for it before either gets it. What went wrong in the
    first is raised before what went wrong in the second, once both have ended.
    """
    async with conn.lock:
        both = asyncio.gather(first, second, return_exceptions=True)
        await asyncio.sleep(0)
    one, other = await both
    if isinstance(one, BaseException):
        raise one
    if isinstance(other, BaseException):
        raise other
    return one, other
