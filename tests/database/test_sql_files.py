"""Each SQL file with the real schema: it is used, prepares and explains, and its columns are those of the row type."""

import ast
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any, get_args, get_origin, get_type_hints

import psycopg
import pytest
from psycopg.pq.abc import PGresult
from pydantic import BaseModel

import core
from core.access.session import StorableText
from core.database.query import SQL_DIR, Query, query
from core.traces.filters import Filters
from tests.support.databases import Databases

FOLDER = SQL_DIR / "queries"
MODULES = [import_module(module.name) for module in pkgutil.walk_packages(core.__path__, "core.")]


def find_queries() -> dict[str, Query[Any]]:
    """Return the statements of core by file. Each file must have exactly one."""
    values = [value for module in MODULES for value in vars(module).values()]
    values += [value for each in values if isinstance(each, dict) for value in each.values()]
    found = list({id(value): value for value in values if isinstance(value, Query)}.values())
    assert sorted(each.name for each in found) == sorted(
        str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.sql")
    )
    return {each.name: each for each in found}


QUERIES = find_queries()
WITH_ROWS = [name for name, each in QUERIES.items() if each.row is not NoneType]
PYTHON_TYPES: dict[str, type] = {
    "bool": bool,
    "int2": int,
    "int4": int,
    "int8": int,
    "float4": float,
    "float8": float,
    "text": str,
    "bytea": bytes,
    "timestamptz": datetime,
    "jsonb": dict,
    "numeric": int,
}
METHODS = {"execute", "fetch_again", "fetch_all", "fetch_one", "fetch_only", "run", "run_only"}
NOT_EXPLAINED = {"database/create_ledger", "database/begin", "database/commit", "stream/listen", "transfer/clear"}
"""Statements that EXPLAIN does not accept: DDL, transaction control, LISTEN."""


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[psycopg.Connection]:
    """A migrated database for all files. The changes of each test are rolled back."""
    with psycopg.connect(databases.reach(databases.create("sql_files")), autocommit=True) as conn:
        yield conn
    databases.drop("sql_files")


@pytest.fixture
def sql(database: psycopg.Connection) -> Iterator[psycopg.Connection]:
    with database.transaction(force_rollback=True):
        yield database
    database.execute("deallocate all")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_calls_pass_the_parameters_of_the_statement(module: ModuleType) -> None:
    assert module.__file__
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            called = find_query(node.func.value, module)
            given = {keyword.arg for keyword in node.keywords}
            if called is not None:
                assert given - {None} <= set(called.parameters), ast.unparse(node)
                assert None in given or given == set(called.parameters), ast.unparse(node)


def find_query(node: ast.expr, module: ModuleType) -> Query[Any] | None:
    """Return the statement that an expression such as `store.LIST_KEYS` names, or None."""
    found: object = module
    for name in ast.unparse(node).split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, Query) else None


@pytest.mark.parametrize("name", QUERIES)
def test_a_file_states_its_purpose_and_contains_one_lower_case_statement(name: str) -> None:
    text = QUERIES[name].text
    assert re.match(r"-- [A-Z][^;\n]*\.\n", text)
    assert ";" not in text
    assert not re.search(r"(select\s+|\.)\*", text), "name the columns"
    assert not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE)\b", text)


@pytest.mark.parametrize("name", QUERIES)
def test_a_statement_prepares_and_explains(name: str, sql: psycopg.Connection) -> None:
    statement, names = QUERIES[name].text, QUERIES[name].parameters
    if name in NOT_EXPLAINED:
        sql.execute(statement.encode())
        return
    sql.execute(f"prepare probe as {statement}".encode())
    arguments = "(" + ", ".join(["null"] * len(names)) + ")" if names else ""
    sql.execute("set plan_cache_mode = force_generic_plan")
    assert sql.execute(f"explain execute probe{arguments}".encode()).fetchall()


@pytest.mark.parametrize("name", WITH_ROWS)
def test_the_columns_are_the_fields_of_the_row(name: str, sql: psycopg.Connection) -> None:
    described = describe(QUERIES[name], sql)
    columns = [(described.fname(index) or b"").decode() for index in range(described.nfields)]
    expected = list_fields(QUERIES[name].row)
    assert columns == list(expected) if expected else len(columns) == 1
    for index, (field, hint) in enumerate(expected.items() or [("", QUERIES[name].row)]):
        kind = sql.adapters.types[described.ftype(index)]
        assert PYTHON_TYPES[kind.name] in unwrap(hint), (field, kind.name)
        assert (list in unwrap(hint)) == (described.ftype(index) == kind.array_oid), field


def describe(one: Query[Any], sql: psycopg.Connection) -> PGresult:
    """Let Postgres describe the parameters and columns of a statement, without running it."""
    sql.pgconn.prepare(b"described", one.text.encode())
    return sql.pgconn.describe_prepared(b"described")


def list_fields(row: type[Any]) -> dict[str, object]:
    """Return the fields of a row type with their types; none for a single value."""
    if issubclass(row, BaseModel) or is_dataclass(row) or hasattr(row, "_fields"):
        return get_type_hints(row)
    return {}


def unwrap(hint: object) -> list[object]:
    """Return the types that a value may have, without the arguments of generic types.

    The words of an enumeration or a literal are texts, and a model is read from an object.
    """
    if isinstance(hint, str) or (isinstance(hint, type) and issubclass(hint, StrEnum)):
        return [str]
    if isinstance(hint, type) and (issubclass(hint, BaseModel) or is_dataclass(hint)):
        return [dict]
    return [hint, get_origin(hint), *(kind for one in get_args(hint) for kind in unwrap(one))]


@pytest.mark.parametrize(("kind", "row"), [("feed_filters", Filters), ("storable_text", StorableText)])
def test_a_tuple_has_the_fields_of_its_sql_type(kind: str, row: type[Any], sql: psycopg.Connection) -> None:
    found = sql.execute(f"select (null::{kind}).*".encode()).description or []
    assert [column.name for column in found] == list(row._fields)
    for column, hint in zip(found, get_type_hints(row).values(), strict=True):
        assert PYTHON_TYPES[sql.adapters.types[column.type_code].name] in unwrap(hint), column


def test_a_missing_or_additional_parameter_is_an_error(sql: psycopg.Connection) -> None:
    wrong: list[dict[str, object]] = [{}, {"app_name": "x", "limit": 1}, {"name": "x"}]
    for parameters in wrong:
        with pytest.raises(TypeError, match="require_stamp"):
            QUERIES["database/require_stamp"].run(sql, **parameters)


def test_a_missing_file_fails_where_it_is_loaded() -> None:
    with pytest.raises(FileNotFoundError):
        query("traces/no_such_statement")
