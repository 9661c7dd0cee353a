"""Binary arrays: Postgres receives the values that they are made from."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database.arrays import (
    PgArray,
    bool_array,
    float8_array,
    int4_array,
    register_arrays,
    text_array,
    timestamptz_array,
)
from core.database.columns import bool_column, integer_column, real_column, smallint_column

INT4 = st.integers(-(2**31), 2**31 - 1)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - aware below
CASES: list[tuple[Callable[[Any], PgArray], str, st.SearchStrategy[Any]]] = [
    (float8_array, "float8[]", st.floats()),
    (int4_array, "int4[]", INT4),
    (bool_array, "bool[]", st.booleans()),
    (text_array, "text[]", st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    (timestamptz_array, "timestamptz[]", MOMENTS),
]


@pytest.mark.parametrize(("make", "kind", "elements"), CASES)
def test_an_array_keeps_its_values(
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


REALS = st.floats(width=32)
COUNTS = st.integers(0, 2**15 - 1)
IDS = st.integers(-1, 2**31 - 1)
COLUMNS: list[tuple[Callable[[Any], PgArray], str, st.SearchStrategy[Any], Callable[[Any], bool]]] = [
    (lambda values: real_column(np.array(values)), "real[]", REALS, math.isnan),
    (lambda values: smallint_column(np.array(values, dtype=np.int64)), "smallint[]", COUNTS, lambda count: count == 0),
    (integer_column, "integer[]", IDS, lambda one: one < 0),
    (bool_column, "boolean[]", st.booleans(), lambda _: False),
]


@pytest.mark.parametrize(("make", "kind", "elements", "is_null"), COLUMNS)
def test_a_column_keeps_its_values_with_null_for_unknown(
    make: Callable[[Any], PgArray],
    kind: str,
    elements: st.SearchStrategy[Any],
    is_null: Callable[[Any], bool],
    sql: psycopg.Connection,
) -> None:
    register_arrays(sql)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(elements))
    def check(values: list[Any]) -> None:
        row = sql.execute(f"select %s::{kind}".encode(), [make(values)], binary=True).fetchone()
        assert row == ([None if is_null(value) else value for value in values],)

    check()


def test_a_score_is_rounded_to_the_nearest_real(sql: psycopg.Connection) -> None:
    register_arrays(sql)
    row = sql.execute("select %s::real[]", [real_column(np.array([1e-300, -0.1, np.nan]))]).fetchone()
    assert row == ([0.0, pytest.approx(-0.1, rel=1e-7), None],)


def test_values_that_postgres_cannot_store_are_replaced(sql: psycopg.Connection) -> None:
    register_arrays(sql)
    row = sql.execute("select %s::text[]", [text_array(["a\0b", "c\ud800d", "\U0001f642", None])]).fetchone()
    assert row == (["a�b", "c�d", "\U0001f642", None],)
