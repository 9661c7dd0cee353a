"""`manage.py export`: write a consistent snapshot of the matching rows, batch by batch."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
from psycopg import IsolationLevel
from tqdm import tqdm

from core.access.access import Access
from core.access.caller import Scope
from core.database.pool import retry_read
from core.errors import InvalidInputError, NothingMatchedError
from core.local.admin import run_as_admin
from core.local.connection import connect
from core.local.database import require_answer
from core.local.reach import open_chore_database
from core.settings import Settings
from core.traces.filters import Filters
from core.transfer import store
from core.transfer.export_file import open_output
from core.transfer.export_formats import Batch, JsonWriter, ParquetWriter, TraceWriter, Writer
from core.transfer.export_line import NO_SECRET
from core.transfer.export_steps import COLUMNS, Column, iterate_steps
from core.wire.json_text import to_column_text
from core.wire.timestamp import parse_timestamp

FETCH_TIMEOUT_MS = 300_000
"""The timeout for fetching a batch. The first batch may scan all requests."""
DATE_LENGTH = len("2025-01-31")


class What(StrEnum):
    """The kind of rows in an export."""

    REQUESTS = "requests"
    STEPS = "steps"
    ACTIONS = "actions"
    TRACES = "traces"
    AUDIT = "audit"
    CALIBRATORS = "calibrators"
    ACTIVATIONS = "activations"


class Format(StrEnum):
    """The file format of an export."""

    JSONL = "jsonl"
    PARQUET = "parquet"


BATCH_ROWS = {
    What.REQUESTS: 500,
    What.STEPS: 1,
    What.ACTIONS: 10_000,
    What.TRACES: 4,
    What.AUDIT: 500,
    What.CALIBRATORS: 100,
    What.ACTIVATIONS: 4,
}
"""Rows per batch; for steps, documents per batch. A trace may have 75 MB."""


RESTORABLE = (What.CALIBRATORS, What.ACTIVATIONS)
"""Kinds of rows that can be imported, like traces, but have no mods and tags."""


@dataclass(frozen=True, slots=True)
class Order:
    """The options of an export.

    Attributes:
        filters: the filters of the feed.
        secrets: the fingerprints of the secrets of the owners: the present one, and the one before a rotation.
    """

    what: What
    format: Format
    filters: Filters
    secrets: tuple[str, str]


def export_to(  # noqa: PLR0913 - each is an option of the command
    output: str, settings: Settings, *, what: What, as_format: Format, filters: Filters, user: str | None
) -> int:
    """Write an export to a file (`-` is standard output) with a progress bar, and return the number of rows.

    Raises:
        InvalidInputError: the options can't be combined.
        NothingMatchedError: no user has the label, or no request of the user matches. No file is written.
        DatabaseUnreachableError: the database does not answer, or the connection was lost. No file is written.
        ChoreError: the database is not migrated, or belongs to another app.
    """
    require_possible(what, as_format, filters, user)
    with open_chore_database(settings) as reached:
        require_answer(reached.pooled_dsn)
        owner, secrets = run_as_admin(reached.settings, partial(find_user, user=user))
        order = Order(what, as_format, filters._replace(owner=owner), secrets)
        with (
            open_output(None if output == "-" else Path(output)) as file,
            open_snapshot(reached.dsn, app_name=settings.thunder_app_name) as conn,
            tqdm(total=count_rows(conn, order), unit=f" {what.value}", disable=None) as bar,
        ):
            if user is not None and not store.COUNT_EXPORT.run_only(conn, filters=order.filters).requests:
                raise NothingMatchedError("--user: no request of this user matches; check the key, or give its label")
            return write_export(conn, order, file, progress=bar.update)


def require_possible(what: What, as_format: Format, filters: Filters, user: str | None) -> None:
    """Refuse documents in Parquet, and filters that would be ignored.

    Raises:
        InvalidInputError: the options can't be combined.
    """
    if what in (What.TRACES, What.AUDIT, *RESTORABLE) and as_format is Format.PARQUET:
        raise InvalidInputError(f"--format: parquet is not available for {what.value}; use jsonl")
    if what in RESTORABLE and (filters.mod, filters.tag) != (None, None):
        raise InvalidInputError(f"--what {what.value}: can't be filtered by mod or tag; use --model or --user")
    if what is What.AUDIT and (user, filters.model, filters.mod, filters.tag) != (None, None, None, None):
        raise InvalidInputError("--what audit: can't be filtered by model, mod, tag or user; use --from and --to")


def read_filters(
    *, model: str | None, mod: str | None, tag: str | None, after: str | None, before: str | None
) -> Filters:
    """Build the filters from command-line options.

    Raises:
        InvalidInputError: --from or --to is not a date or time.
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
        raise InvalidInputError(f"{option}: not a date or time; write 2025-11-01 or 2025-11-01T12:30:00Z") from None


@retry_read
async def find_user(access: Access, key: str | None, *, user: str | None) -> tuple[bytes | None, tuple[str, str]]:
    """Return the HMAC of a user API key, given as the key or its label, and the fingerprints of the secrets.

    Raises:
        NothingMatchedError: no user has the label.
    """
    await access.settle_key(user, by=key)
    async with access.session(key, Scope.READ) as session:
        owner = None if user is None else await session.resolve_owner(user)
    if user is not None and owner is None:
        raise NothingMatchedError(f"--user: no user has the label {user!r}; give the key itself")
    present, previous = await access.process_secret.find_fingerprints()
    return owner.hmac if owner else None, (present or NO_SECRET, previous or NO_SECRET)


@contextmanager
def open_snapshot(dsn: str, *, app_name: str) -> Generator[psycopg.Connection]:
    """Open a read-only transaction on a snapshot of the database.

    Raises:
        DatabaseUnreachableError: the database does not answer, or the connection was lost.
        ChoreError: the database is not migrated, or belongs to another app.
    """
    with connect(dsn) as conn:
        conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
        with conn.transaction():
            store.BEGIN_EXPORT.run(conn, app_name=app_name, milliseconds=FETCH_TIMEOUT_MS)
            yield conn


def count_rows(conn: psycopg.Connection, order: Order) -> int | None:
    """Count the rows of an export; None if counting would take as long as exporting."""
    counted = store.COUNT_EXPORT.run_only(conn, filters=order.filters)
    unknown = dict.fromkeys((What.ACTIONS, What.AUDIT, *RESTORABLE))
    return {What.STEPS: counted.tokens, **unknown}.get(order.what, counted.requests)


def write_export(
    conn: psycopg.Connection, order: Order, file: BinaryIO, *, progress: Callable[[int], object] = int
) -> int:
    """Write an export and return the number of rows. Calls `progress` with the size of each batch."""
    count = 0
    with store.open_export(conn, what=order.what, filters=order.filters) as cursor:
        batches: Iterator[Batch] = iter(partial(cursor.fetchmany, BATCH_ROWS[order.what]), [])
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


def _make_writer(order: Order, file: BinaryIO, columns: Sequence[Column]) -> Writer:
    if order.what is What.TRACES:
        return TraceWriter(file, order.secrets)
    if order.format is Format.PARQUET:
        return ParquetWriter(file, columns)
    return JsonWriter(file, columns, is_sealed=order.what in RESTORABLE)
