"""`manage.py import` stores several traces at a time, but those of one id in order."""

import asyncio

import psycopg
import pytest

from core.transfer.import_files import Item
from core.transfer.import_items import LARGE_BYTES, Outcome, Status, import_items
from tests.support.command import Command
from tests.support.imports import small, write_lines

PARALLEL = 4


def test_traces_are_stored_at_the_same_time_and_reported_in_order() -> None:
    lines: list[str] = []

    async def run() -> None:
        barrier = asyncio.Barrier(PARALLEL)

        async def store(body: bytes) -> Outcome:
            await barrier.wait()  # passes only if so many traces are stored at the same time
            await asyncio.sleep(0 if body.endswith(b"1") else 0.01)
            return Outcome(Status.OK, body.decode())

        items = [Item(f"line {number}", str(number).encode()) for number in range(4 * PARALLEL)]
        async with asyncio.timeout(20):
            await import_items(items, store, lines.append, parallel=PARALLEL)

    asyncio.run(run())
    assert lines == [f"ok {number}" for number in range(4 * PARALLEL)]


def test_a_large_trace_is_stored_alone() -> None:
    running: list[int] = []

    async def run() -> None:
        active = 0

        async def store(body: bytes) -> Outcome:
            nonlocal active
            active += 1
            await asyncio.sleep(0.01)
            running.append(active if len(body) > LARGE_BYTES else 0)
            active -= 1
            return Outcome(Status.OK, "x")

        items = [Item("small", b"1"), Item("large", b"1" * (LARGE_BYTES + 1)), Item("small", b"1")]
        await import_items(items, store, len, parallel=PARALLEL)

    asyncio.run(run())
    assert running == [0, 1, 0]


@pytest.mark.parametrize("on_conflict", ["skip", "replace"])
def test_traces_of_one_id_are_stored_in_the_order_of_the_file(
    database_url: str, sql: psycopg.Connection, manage: Command, on_conflict: str
) -> None:
    documents = [small("same", final_text=f"text {number}") for number in range(12)]
    write_lines("many.jsonl", *documents)
    done = manage("import", "many.jsonl", "--on-conflict", on_conflict, on=database_url)
    stored = sql.execute("select final_text, revision from requests").fetchall()
    if on_conflict == "skip":
        assert (done.exit_code, stored) == (3, [("text 0", 1)])
    else:
        assert (done.exit_code, stored) == (0, [("text 11", 12)])
    assert done.stdout.startswith("ok same")
