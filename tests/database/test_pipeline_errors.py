"""Two statements of one round trip: the caller gets the error that the server reported."""

import asyncio

import psycopg
import pytest
from psycopg.errors import DivisionByZero

from core.database.connection import PooledConnection
from core.database.reading import together

Rows = list[tuple[int]]


async def fetch(conn: psycopg.AsyncConnection, *, before_s: float, between_s: float) -> Rows:
    await asyncio.sleep(before_s)
    cursor = await conn.execute("select 1")
    await asyncio.sleep(between_s)
    return await cursor.fetchall()


async def read_two(database_url: str, divisor: int, second_s: float) -> tuple[Rows, Rows]:
    """Run two statements after an earlier one, and send the second `second_s` seconds after the first."""
    async with (
        await PooledConnection.connect(database_url, autocommit=True) as conn,
        conn.reading(lambda: None) as pipeline,
    ):
        await conn.execute("select 1 / %s::int", (divisor,))
        pipeline.ask_early()
        first = fetch(conn, before_s=0, between_s=2 * second_s)
        return await together(conn, first, fetch(conn, before_s=second_s, between_s=0))


@pytest.mark.parametrize("second_s", [0, 0.2])
def test_the_error_of_an_earlier_statement_is_raised(database_url: str, second_s: float) -> None:
    """With 0.2 s, the answer arrives between the two statements, so the first finds no result."""
    with pytest.raises(DivisionByZero):
        asyncio.run(read_two(database_url, 0, second_s))


@pytest.mark.parametrize("second_s", [0, 0.2])
def test_both_results_are_returned(database_url: str, second_s: float) -> None:
    assert asyncio.run(read_two(database_url, 1, second_s)) == ([(1,)], [(1,)])
