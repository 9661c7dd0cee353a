"""Pack numpy columns as binary Postgres arrays. A separate module, so that core.database doesn't import numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.database.arrays import HEADER, PgArray

_ROWS = {kind: np.dtype([("length", ">i4"), ("value", kind)]) for kind in (">f4", ">i2", ">i4", "u1")}


def real_column(values: NDArray[np.float64]) -> PgArray:
    """Pack a column of scores as `real[]`. NaN becomes null; a value too small for `real` becomes 0."""
    with np.errstate(over="ignore", under="ignore"):
        return PgArray(1021, _pack_column(700, ">f4", values, np.isnan(values)))


def smallint_column(values: NDArray[np.int64]) -> PgArray:
    """Pack a column of counts as `smallint[]`. 0 becomes null."""
    return PgArray(1005, _pack_column(21, ">i2", values, values == 0))


def integer_column(values: Sequence[int]) -> PgArray:
    """Pack a column of ids as `integer[]`. A negative id becomes null."""
    ids = np.asarray(values, dtype=np.int64)
    return PgArray(1007, _pack_column(23, ">i4", ids, ids < 0))


def bool_column(values: Sequence[bool]) -> PgArray:
    """Pack a column of flags as `boolean[]`."""
    flags = np.asarray(values, dtype=np.uint8)
    return PgArray(1000, _pack_column(16, "u1", flags))


def _pack_column(element_oid: int, kind: str, values: NDArray[Any], is_null: NDArray[np.bool_] | None = None) -> bytes:
    """Write the length and value of each element, as `array_recv` reads them. A null is a length of -1 and no value."""
    row = _ROWS[kind]
    rows = np.empty(len(values), row)
    rows["length"], rows["value"] = row.itemsize - 4, values
    header = HEADER.pack(1, 1, element_oid, len(values), 1)
    if is_null is None or not is_null.any():
        return header + rows.tobytes()
    rows["length"][is_null] = -1
    written = np.ones((len(values), row.itemsize), np.bool_)
    written[is_null, 4:] = False
    return header + rows.view(np.uint8).reshape(written.shape)[written].tobytes()
