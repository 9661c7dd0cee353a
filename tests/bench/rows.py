"""Insert the rows of a stored trace in COPY format, to measure the insert without any computation."""

from collections.abc import Generator
from dataclasses import dataclass

import orjson
import psycopg
from psycopg import sql

from tests.bench.measure import Timed, time_call
from tests.bench.stage import connect, new_id

TABLES = {
    "requests": "id",
    "request_traces": "request_pk",
    "request_steps": "request_pk",
    "step_logit_summaries": "request_pk",
    "mod_calls": "request_pk",
    "mod_logs": "request_pk",
    "actions": "request_pk",
}
"""Tables with the column that contains the number of the request."""
FREE = 1 << 40
"""Ids from here on belong to no request."""

COLUMNS = """
select column_name::text from information_schema.columns
where table_name = %s and column_name <> 'stored_xid' order by ordinal_position
"""


@dataclass(frozen=True)
class Encoded:
    """The rows of one table, and the statement that inserts them."""

    statement: sql.Composed
    data: bytes


def encode_rows(conn: psycopg.Connection, source: str, *, number: int) -> list[Encoded]:
    """Return the rows of a stored trace for another request, with only the numeric and the external id changed."""
    (stored,) = conn.execute("select id from requests where request_id = %s", [source]).fetchone() or (None,)
    assert isinstance(stored, int)
    return [_encode_table(conn, table, key, stored, number) for table, key in TABLES.items()]


def _encode_table(conn: psycopg.Connection, table: str, key: str, stored: int, number: int) -> Encoded:
    columns = [name for (name,) in conn.execute(COLUMNS, [table])]
    changed = {key: sql.SQL("{}::bigint").format(number), "request_id": sql.SQL("{}::text").format(new_id())}
    taken = sql.SQL(", ").join(changed.get(name, sql.Identifier(name)) for name in columns)
    names, at, where = sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table), sql.Identifier(key)
    query = sql.SQL("copy (select {} from {} where {} = {}) to stdout (format binary)").format(taken, at, where, stored)
    with conn.cursor().copy(query) as copy:
        data = b"".join(bytes(part) for part in copy)
    return Encoded(sql.SQL("copy {} ({}) from stdin (format binary)").format(at, names), data)


def insert_rows(conn: psycopg.Connection, tables: list[Encoded]) -> None:
    """Insert the rows in one transaction, and return after its commit."""
    conn.execute("begin")
    for table in tables:
        with conn.cursor().copy(table.statement) as copy:
            copy.write(table.data)
    conn.execute("commit")


def floor_of_ingest(dsn: str, source: str, body: bytes) -> Generator[Timed]:
    """Parse the bytes with the fastest parser, COPY the rows, and commit."""
    with connect(dsn) as conn:
        (start,) = conn.execute("select random(%s::bigint, %s::bigint)", [FREE, FREE << 20]).fetchone() or (0,)
        numbers = iter(range(start, start + FREE))

        def repeat() -> float:
            tables = encode_rows(conn, source, number=next(numbers))

            def store() -> None:
                orjson.loads(body)
                insert_rows(conn, tables)

            return time_call(store)

        yield repeat
