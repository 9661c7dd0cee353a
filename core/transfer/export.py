"""`manage.py export`: what passes the filters, as it was at one moment, batch by batch."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
from psycopg import IsolationLevel
from tqdm import tqdm

from core.access.caller import Scope
from core.access.session import Access
from core.database.pool import reread
from core.errors import InvalidInputError, NotFoundError
from core.feed.filters import Filters
from core.local.admin import run_as_admin
from core.local.connection import connect
from core.local.reach import reach_database
from core.settings import Settings
from core.transfer import store
from core.transfer.export_file import open_output
from core.transfer.export_formats import Batch, JsonWriter, ParquetWriter, TraceWriter, Writer
from core.transfer.export_line import fingerprint
from core.transfer.export_steps import COLUMNS, Column, iterate_steps
from core.wire.json_text import to_column_text
from core.wire.timestamp import parse_timestamp

FETCH_TIMEOUT_MS = 300_000
"""What fetching a batch may take: the first may have to look through all requests."""
DATE_LENGTH = len("2025-01-31")


class What(StrEnum):
    """What an export has a row, or a line, of."""

    REQUESTS = "requests"
    STEPS = "steps"
    ACTIONS = "actions"
    TRACES = "traces"
    AUDIT = "audit"


class Format(StrEnum):
    """How an export is written."""

    JSONL = "jsonl"
    PARQUET = "parquet"


BATCH_ROWS = {What.REQUESTS: 500, What.STEPS: 1, What.ACTIONS: 10_000, What.TRACES: 4, What.AUDIT: 500}
"""Rows fetched at once; of steps, documents. A trace may have 75 MB."""


@dataclass(frozen=True, slots=True)
class Order:
    """An export as it was ordered.

    Attributes:
        filters: as the feed has them.
        owner: the HMAC of the user's key whose requests are meant; null: everybody's.
        secret: the fingerprint of THUNDER_SECRET.
    """

    what: What
    format: Format
    filters: Filters
    owner: bytes | None
    secret: str

    @property
    def parameters(self) -> dict[str, Any]:
        """What the statements take."""
        return {**asdict(self.filters), "owner": self.owner}


def export_to(  # noqa: PLR0913 - each is an option of the command
    output: str, settings: Settings, *, what: What, as_format: Format, filters: Filters, user: str | None
) -> int:
    """Write an export to a file (`-`: to standard output), with a progress bar, and return how many rows it has.

    Raises:
        InvalidInputError: traces are asked for as a table, or the audit log of some requests.
        NotFoundError: nobody has the label.
        DatabaseUnreachableError: the database does not answer, or no longer; there is no file then.
        ChoreError: the database is not migrated, or another app's.
    """
    require_possible(what, as_format, filters, user)
    with reach_database(settings) as reached:
        owner, secret = run_as_admin(reached.settings, partial(find_user, user=user))
        order = Order(what, as_format, filters, owner, secret)
        with (
            open_output(None if output == "-" else Path(output)) as file,
            open_snapshot(reached.dsn, app_name=settings.thunder_app_name) as conn,
            tqdm(total=count_rows(conn, order), unit=f" {what.value}", disable=None) as bar,
        ):
            return write_export(conn, order, file, progress=bar.update)


def require_possible(what: What, as_format: Format, filters: Filters, user: str | None) -> None:
    """Refuse documents as a table, and filters that would be ignored.

    Raises:
        InvalidInputError: they are asked for.
    """
    if what in (What.TRACES, What.AUDIT) and as_format is Format.PARQUET:
        raise InvalidInputError(f"--format: {what.value} are documents, not rows of a table; write them as jsonl")
    if what is What.AUDIT and (user, filters.model, filters.mod, filters.tag) != (None, None, None, None):
        raise InvalidInputError("--what audit: an entry has no model, mod, tag or user; narrow it by --from and --to")


def read_filters(
    *, model: str | None, mod: str | None, tag: str | None, after: str | None, before: str | None
) -> Filters:
    """The filters of a command line.

    Raises:
        InvalidInputError: --from or --to is no moment.
    """
    return Filters(
        model=to_column_text(model),
        mod=to_column_text(mod),
        tag=to_column_text(tag),
        created_from=None if after is None else _read_moment(after, "--from"),
        created_to=None if before is None else _read_moment(before, "--to"),
    )


def _read_moment(text: str, option: str) -> Any:  # noqa: ANN401 - a datetime, as Filters has it
    try:
        return parse_timestamp(f"{text}T00:00:00Z" if len(text) == DATE_LENGTH else text)
    except ValueError:
        raise InvalidInputError(f"{option}: write 2025-11-01, or 2025-11-01T12:30:00Z") from None


@reread
async def find_user(access: Access, key: str | None, *, user: str | None) -> tuple[bytes | None, str]:
    """The HMAC of a user's key, given as itself or as its label, and the fingerprint of the secret.

    Raises:
        NotFoundError: nobody has the label.
    """
    async with access.visit(key, Scope.READ) as visit:
        owner = None if user is None else await visit.resolve_owner(user)
    if user is not None and owner is None:
        raise NotFoundError(f"nobody has the label {user!r}")
    return owner, fingerprint(await access.hasher())


@contextmanager
def open_snapshot(dsn: str, *, app_name: str) -> Generator[psycopg.Connection]:
    """A transaction that reads the database as it is at its beginning, whatever is stored meanwhile.

    Raises:
        DatabaseUnreachableError: it does not answer, or no longer.
        ChoreError: it is not migrated, or another app's.
    """
    with connect(dsn) as conn:
        conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
        with conn.transaction():
            store.begin_export(conn, app_name=app_name, timeout_ms=FETCH_TIMEOUT_MS)
            yield conn


def count_rows(conn: psycopg.Connection, order: Order) -> int | None:
    """How many rows there will be; null where counting would be as much work as the export."""
    counted = store.count_export(conn, parameters=order.parameters)
    return {What.STEPS: counted.tokens, What.ACTIONS: None, What.AUDIT: None}.get(order.what, counted.requests)


def write_export(
    conn: psycopg.Connection, order: Order, file: BinaryIO, *, progress: Callable[[int], object] = int
) -> int:
    """Write an export and return how many rows it has; `progress` is called with the size of each batch."""
    count = 0
    with store.open_export(conn, what=order.what, parameters=order.parameters) as cursor:
        batches = iterate_batches(cursor, BATCH_ROWS[order.what])
        columns = [Column(one.name, one.type_code) for one in cursor.description or []]
        if order.what is What.STEPS:
            batches, columns = (rows for batch in batches if (rows := list(iterate_steps(batch)))), COLUMNS
        writer = _make_writer(order, file, columns)
        for batch in batches:
            writer.write(batch)
            count += len(batch)
            progress(len(batch))
        writer.close()
    return count


def iterate_batches(cursor: psycopg.ServerCursor[tuple[Any, ...]], size: int) -> Iterator[Batch]:
    """What a cursor has, fetched as it is asked for."""
    while batch := cursor.fetchmany(size):
        yield batch


def _make_writer(order: Order, file: BinaryIO, columns: Sequence[Column]) -> Writer:
    if order.what is What.TRACES:
        return TraceWriter(file, order.secret)
    return ParquetWriter(file, columns) if order.format is Format.PARQUET else JsonWriter(file, columns)
