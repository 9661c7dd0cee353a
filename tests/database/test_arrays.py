"""Binary arrays arrive as the values they were made from."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database.arrays import (
    PgArray,
    bool_array,
    bytea_array,
    float8_array,
    int4_array,
    int8_array,
    register_arrays,
    text_array,
    timestamptz_array,
)

INT4 = st.integers(-(2**31), 2**31 - 1)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - aware below
CASES: list[tuple[Callable[[Any], PgArray], str, st.SearchStrategy[Any]]] = [
    (float8_array, "float8[]", st.floats()),
    (int4_array, "int4[]", INT4),
    (int8_array, "int8[]", st.integers(-(2**63), 2**63 - 1)),
    (bool_array, "bool[]", st.booleans()),
    (bytea_array, "bytea[]", st.binary()),
    (text_array, "text[]", st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    (timestamptz_array, "timestamptz[]", MOMENTS),
]


@pytest.mark.parametrize(("make", "kind", "elements"), CASES)
def test_an_array_arrives_as_it_was(
    make: Callable[[Any], PgArray], kind: str, elements: st.SearchStrategy[Any], sql: psycopg.Connection
) -> None:
    register_arrays(sql)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.none() | elements))
    def check(values: list[Any]) -> None:
        row = sql.execute(f"select %s::{kind}".encode(), [make(values)]).fetchone()
        assert row is not None
        assert len(row[0]) == len(values)
        for got, sent in zip(row[0], values, strict=True):
            assert got == sent or (isinstance(sent, float) and math.isnan(sent) and math.isnan(got))

    check()


def test_what_postgres_cannot_hold_is_replaced(sql: psycopg.Connection) -> None:
    register_arrays(sql)
    row = sql.execute("select %s::text[]", [text_array(["a\0b", "c\ud800d", "\U0001f642", None])]).fetchone()
    assert row == (["a�b", "c�d", "\U0001f642", None],)
