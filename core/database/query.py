"""SQL statements as typed values: each binds a file of `sql/queries/`, its parameters and the type of its rows.

    LIST_KEYS = query("access/list_keys", KeyRow)
    keys = await LIST_KEYS.fetch_all(conn, limit=100)

tests/database/test_sql_files.py finds these values by walking core, and checks each against the real schema.
"""

import re
from dataclasses import dataclass, is_dataclass
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Any, Generic, LiteralString, TypeVar, cast, overload

from psycopg import AsyncConnection, AsyncRawCursor, Connection, RawCursor, RawServerCursor
from psycopg.rows import BaseRowFactory, class_row, scalar_row, tuple_row
from pydantic import BaseModel

from core.wire.models import Frozen

SQL_DIR = Path(__file__).parents[2] / "sql"

R = TypeVar("R")

_PARAMETER = re.compile(r"%\((\w+)\)s")


class Row(Frozen):
    """A row of a result as a model, for rows that validate or serialize their values."""


@dataclass(frozen=True, slots=True, eq=False)
class Query(Generic[R]):
    """A statement of `sql/queries/`.

    Its methods take the statement's parameters by name; a missing or an additional one is a TypeError.

    Attributes:
        name: the path of its file, without the suffix.
        text: the statement in PostgreSQL's own notation, `$1` for the first parameter. psycopg would translate a long
            statement again for each execution.
        parameters: the names of `$1`, `$2` and so on.
        row: the type of its rows: a model or dataclass with the columns as fields, a named tuple (faster to read), or
            the type of the only column.
        is_binary: whether results are read in the binary format, which is faster for many numbers and large bytes.
    """

    name: str
    text: LiteralString
    parameters: tuple[str, ...]
    row: type[R]
    make_row: BaseRowFactory[R]
    is_binary: bool

    async def execute(self, conn: AsyncConnection, /, **parameters: object) -> AsyncRawCursor[R]:
        """Run the statement. In a pipeline this does not wait for the result."""
        cursor = self.open_cursor(conn)
        return await cursor.execute(self.text, self._order(parameters), binary=self.is_binary)

    def open_cursor(self, conn: AsyncConnection) -> AsyncRawCursor[R]:
        """Open a cursor that can run this statement many times. It keeps the last result until the next one."""
        return AsyncRawCursor(conn, row_factory=self.make_row)

    async def fetch_again(self, cursor: AsyncRawCursor[R], /, **parameters: object) -> list[R]:
        """Run the statement with its cursor and return every row."""
        await cursor.execute(self.text, self._order(parameters), binary=self.is_binary)
        return await cursor.fetchall()

    async def fetch_all(self, conn: AsyncConnection, /, **parameters: object) -> list[R]:
        """Return every row."""
        return await (await self.execute(conn, **parameters)).fetchall()

    async def fetch_one(self, conn: AsyncConnection, /, **parameters: object) -> R | None:
        """Return the first row, or None for an empty result."""
        return await (await self.execute(conn, **parameters)).fetchone()

    async def fetch_only(self, conn: AsyncConnection, /, **parameters: object) -> R:
        """Return the row of a statement that always has exactly one."""
        (row,) = await self.fetch_all(conn, **parameters)
        return row

    def run(self, conn: Connection, /, **parameters: object) -> RawCursor[R]:
        """Run the statement on a synchronous connection, as chores and migrations do."""
        cursor = RawCursor(conn, row_factory=self.make_row)
        return cursor.execute(self.text, self._order(parameters), binary=self.is_binary)

    def open(self, conn: Connection, name: str, /, **parameters: object) -> RawServerCursor[tuple[Any, ...]]:
        """Open a named server-side cursor on the rows as tuples, so that only fetched rows are transferred."""
        cursor = RawServerCursor(conn, name, row_factory=tuple_row)
        return cursor.execute(self.text, self._order(parameters), binary=self.is_binary)

    def run_only(self, conn: Connection, /, **parameters: object) -> R:
        """Run a statement that always has exactly one row on a synchronous connection, and return that row."""
        (row,) = self.run(conn, **parameters).fetchall()
        return row

    def _order(self, parameters: dict[str, object]) -> list[object]:
        if len(parameters) != len(self.parameters) or not all(map(parameters.__contains__, self.parameters)):
            wrong = sorted(parameters.keys() ^ set(self.parameters))
            raise TypeError(f"{self.name}.sql: missing or additional parameters: {', '.join(wrong)}")
        return [parameters[name] for name in self.parameters]


@overload
def query(name: str, *, is_binary: bool = False) -> Query[None]: ...
@overload
def query(name: str, row: type[R], *, is_binary: bool = False) -> Query[R]: ...
def query(name: str, row: type[Any] = NoneType, *, is_binary: bool = False) -> Query[Any]:
    """Load a statement by its path under `sql/queries/`, without the suffix.

    Modules call this at import, so a missing file fails at startup and not at the first request. The cast to
    LiteralString is safe, because the text is part of this repository and never comes from a caller.
    """
    named = (SQL_DIR / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    parameters = tuple(dict.fromkeys(_PARAMETER.findall(named)))
    text = cast("LiteralString", _PARAMETER.sub(lambda found: f"${parameters.index(found[1]) + 1}", named))
    return Query(name, text, parameters, row, _choose_factory(row), is_binary)


def _choose_factory(row: type[Any]) -> BaseRowFactory[Any]:
    if issubclass(row, BaseModel) or is_dataclass(row):
        return class_row(row)
    if not issubclass(row, tuple):
        return scalar_row
    make = partial(tuple.__new__, row)  # the constructor of a named tuple takes ten times as long
    return lambda _: make
