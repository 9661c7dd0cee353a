"""The formats of an export, each written batch by batch: JSON lines, documents, and Parquet."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, BinaryIO, Protocol

import orjson

from core.document.formats import QUOTE_FORMAT, require_known_format
from core.errors import ThunderError
from core.transfer.export_line import Origin, seal_line, write_line
from core.transfer.export_steps import Column
from core.transfer.exported_item import ExportedItem, wrap_item
from core.wire.zstandard import decompress

Batch = Sequence[tuple[Any, ...]]

ARROW_TYPES = MappingProxyType({16: "bool_", 20: "int64", 23: "int32", 25: "string", 701: "float64"})
"""Arrow types by the oid of the Postgres type. The three other types follow."""
TEXT_ARRAY = 1009
REAL_ARRAY = 1021
TIMESTAMPTZ = 1184


class Writer(Protocol):
    """Write the rows of an export."""

    def write(self, batch: Batch) -> None:
        """Write some rows."""

    def close(self) -> None:
        """Finish the output."""


class JsonWriter:
    """Write each row as a JSON object on its own line. Times are in RFC 3339, UTC.

    Args:
        file: the output.
        columns: the columns of the rows.
        is_sealed: whether each line gets a SHA-256, because it can be imported.
    """

    def __init__(self, file: BinaryIO, columns: Sequence[Column], *, is_sealed: bool) -> None:
        self._file = file
        self._names = [column.name for column in columns]
        self._is_sealed = is_sealed

    def write(self, batch: Batch) -> None:
        """Write some rows."""
        for row in batch:
            line = orjson.dumps(dict(zip(self._names, row, strict=True)))
            self._file.write(seal_line(line) if self._is_sealed else line + b"\n")

    def close(self) -> None:
        """Do nothing: the format has no footer."""


class TraceWriter:
    """Write each trace as its document on one line (core.transfer.export_line)."""

    def __init__(self, file: BinaryIO, secrets: tuple[str, str]) -> None:
        self._file = file
        self._secrets = secrets

    def write(self, batch: Batch) -> None:
        """Write some traces.

        A row is: id, format, document, created_at, owner, owner's label, choice, group_id, and whether the owner still
        has the secret before a rotation.
        """
        for request_id, number, frame, created_at, owner, label, choice, group_id, is_previous in batch:
            require_known_format(number)
            document = decompress(frame)
            if number != QUOTE_FORMAT:
                document = wrap_item(ExportedItem(number, choice, request_id, group_id, document.decode()))
            self._file.write(write_line(document, Origin(owner, label, created_at, self._secrets[is_previous])))

    def close(self) -> None:
        """Do nothing: the format has no footer."""


class NoParquetError(ThunderError):
    """The package that writes Parquet is not installed."""


class ParquetWriter:
    """Write a zstd-compressed row group per batch. Times are in microseconds, UTC."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 - large, and installed separately
            from pyarrow import parquet  # noqa: PLC0415 - the same
        except ModuleNotFoundError:
            raise NoParquetError("--format: parquet needs a further package; run `make parquet` first") from None

        lists = {TEXT_ARRAY: pa.list_(pa.string()), REAL_ARRAY: pa.list_(pa.float64())}
        special = {**lists, TIMESTAMPTZ: pa.timestamp("us", tz="UTC")}
        kinds = {**{oid: getattr(pa, name)() for oid, name in ARROW_TYPES.items()}, **special}
        self._schema = pa.schema([(column.name, kinds[column.type_code]) for column in columns])
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._make_batch = pa.RecordBatch.from_arrays
        self._make_array = pa.array

    def write(self, batch: Batch) -> None:
        """Write some rows."""
        columns = zip(*batch, strict=True)
        arrays = [self._make_array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._writer.write_batch(self._make_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Write the footer, which a valid Parquet file needs."""
        self._writer.close()
