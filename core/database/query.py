"""SQL statements as typed values: each binds a file of `sql/queries/`, its parameters and the type of its rows.

    LIST_KEYS = query("access/list_keys", KeyRow)
    keys = await LIST_KEYS.fetch_all(conn, limit=100)

tests/database/test_sql_files.py finds these values by walking core, and checks each against the real schema.
"""

import re
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Generic, LiteralString, TypeVar, cast, overload

from psycopg import AsyncConnection, AsyncCursor, Connection, Cursor
from psycopg.rows import BaseRowFactory, args_row, class_row, scalar_row
from pydantic import BaseModel, ConfigDict

SQL_DIR = Path(__file__).parents[2] / "sql"

R = TypeVar("R")


class Row(BaseModel):
    """A row of a result as a model, for rows that validate or serialize their values."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True, slots=True, eq=False)
class Query(Generic[R]):
    """A statement of `sql/queries/`.

    Its methods take the statement's parameters by name; a missing or an additional one is a TypeError.

    Attributes:
        name: the path of its file, without the suffix.
        row: the type of its rows: a model or dataclass with the columns as fields, a named tuple (faster to read), or
            the type of the only column.
        is_binary: whether results are read in the binary format, which is faster for many numbers and large bytes.
    """

    name: str
    text: LiteralString
    parameters: frozenset[str]
    row: type[R]
    make_row: BaseRowFactory[R]
    is_binary: bool

    async def execute(self, conn: AsyncConnection, /, **parameters: object) -> AsyncCursor[R]:
        """Run the statement. In a pipeline this does not wait for the result."""
        cursor = conn.cursor(row_factory=self.make_row, binary=self.is_binary)
        return await cursor.execute(self.text, self._check(parameters))

    async def fetch_all(self, conn: AsyncConnection, /, **parameters: object) -> list[R]:
        """Return every row."""
        return await (await self.execute(conn, **parameters)).fetchall()

    async def fetch_one(self, conn: AsyncConnection, /, **parameters: object) -> R | None:
        """Return the first row, or None if there is none."""
        return await (await self.execute(conn, **parameters)).fetchone()

    async def fetch_only(self, conn: AsyncConnection, /, **parameters: object) -> R:
        """Return the row of a statement that always has exactly one."""
        (row,) = await self.fetch_all(conn, **parameters)
        return row

    def run(self, conn: Connection, /, **parameters: object) -> Cursor[R]:
        """Run the statement on a synchronous connection, as chores and migrations do."""
        cursor = conn.cursor(row_factory=self.make_row, binary=self.is_binary)
        return cursor.execute(self.text, self._check(parameters))

    def run_only(self, conn: Connection, /, **parameters: object) -> R:
        """Run a statement that always has exactly one row on a synchronous connection, and return that row."""
        (row,) = self.run(conn, **parameters).fetchall()
        return row

    def _check(self, parameters: dict[str, object]) -> dict[str, object]:
        if parameters.keys() != self.parameters:
            wrong = sorted(parameters.keys() ^ self.parameters)
            raise TypeError(f"{self.name}.sql: missing or additional parameters: {', '.join(wrong)}")
        return parameters


@overload
def query(name: str, *, is_binary: bool = False) -> Query[None]: ...
@overload
def query(name: str, row: type[R], *, is_binary: bool = False) -> Query[R]: ...
def query(name: str, row: type[Any] = NoneType, *, is_binary: bool = False) -> Query[Any]:
    """Load a statement by its path under `sql/queries/`, without the suffix.

    Modules call this at import, so a missing file fails at startup and not at the first request. The cast to
    LiteralString is safe, because the text is part of this repository and never comes from a caller.
    """
    text = cast("LiteralString", (SQL_DIR / "queries" / f"{name}.sql").read_text(encoding="utf-8"))
    return Query(name, text, frozenset(re.findall(r"%\((\w+)\)s", text)), row, _choose_factory(row), is_binary)


def _choose_factory(row: type[Any]) -> BaseRowFactory[Any]:
    if issubclass(row, BaseModel) or is_dataclass(row):
        return class_row(row)
    return args_row(row) if issubclass(row, tuple) else scalar_row
