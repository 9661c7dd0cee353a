"""Reads in a pipeline: the check of the connection and of the database's stamp is sent with the first statement.

psycopg's pipeline sends each statement on its own, requests results with a flush, and ends with a sync, which costs one
more round trip. This pipeline sends all statements at once when a result is awaited, and requests results with the sync
itself, so it has nothing to wait for at its end.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar, overload

from psycopg import AsyncConnection, AsyncPipeline, Error
from psycopg._pipeline_base import PendingResult
from psycopg.abc import PQGen
from psycopg.errors import PipelineAborted
from psycopg.generators import send
from psycopg.pq import ConnStatus, PipelineStatus
from psycopg.pq.abc import PGresult
from typing_extensions import override

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")


class ReadPipeline(AsyncPipeline):
    """A pipeline that waits for the server once per fetch, but not at its end. Each fetch ends a transaction.

    Args:
        conn: a connection in autocommit mode and in no transaction.
        on_answer: called once, when the first statement has succeeded.
    """

    def __init__(self, conn: AsyncConnection, on_answer: Callable[[], None]) -> None:
        super().__init__(conn)
        self._on_answer: Callable[[], None] | None = on_answer

    def ask_early(self) -> None:
        """Make the server answer the statements so far without waiting for the next ones."""
        self.command_queue.append(self.pgconn.send_flush_request)

    @override
    def _process_results(self, queued: PendingResult, results: list[PGresult]) -> None:
        super()._process_results(queued, results)
        if self._on_answer is not None and queued is not None:
            self._on_answer()
            self._on_answer = None

    @override
    def _communicate_gen(self) -> PQGen[None]:
        """Keep statements until a result is awaited."""
        yield from ()  # pyrefly: ignore[invalid-yield]

    @override
    def _sync_gen(self) -> PQGen[None]:
        """Send all statements, and wait for their results."""
        self._enqueue_sync()
        while self.command_queue:
            self.command_queue.popleft()()
        yield from send(self.pgconn)
        yield from super()._fetch_gen(flush=False)

    @override
    def _fetch_gen(self, *, flush: bool) -> PQGen[None]:
        """Fetch outstanding results. `flush` means that the server has not been asked to send them yet."""
        if not flush:
            yield from super()._fetch_gen(flush=False)
        elif self.result_queue:
            yield from self._sync_gen()

    @override
    def _exit_gen(self) -> PQGen[None]:
        """Wait for statements whose results were not fetched and, after an error, for the aborted statements."""
        is_aborted = self.status is PipelineStatus.ABORTED
        if self.pgconn.status != ConnStatus.BAD and (is_aborted or self.result_queue or self.command_queue):
            with suppress(PipelineAborted):
                yield from self._sync_gen()


@overload
async def together(
    conn: AsyncConnection, first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U], /
) -> tuple[T, U]: ...
@overload
async def together(
    conn: AsyncConnection,
    first: Coroutine[Any, Any, T],
    second: Coroutine[Any, Any, U],
    third: Coroutine[Any, Any, V],
    /,
) -> tuple[T, U, V]: ...
async def together(conn: AsyncConnection, /, *statements: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """Run statements of a pipeline in one round trip: send all of them before the first waits for its result.

    The connection's lock guarantees the order: it is fair, and all statements queue for it before any takes it.
    If several fail, the error of the server is raised: when the server rejects one statement, the others only report
    that they have no result.
    """
    async with conn.lock:
        all_of_them = asyncio.gather(*statements, return_exceptions=True)
        await asyncio.sleep(0)
    results = await all_of_them
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors:
        raise min(errors, key=_is_consequence)
    return tuple(results)


def _is_consequence(error: BaseException) -> bool:
    return not (isinstance(error, Error) and error.sqlstate)
