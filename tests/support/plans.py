"""Plans of statements, as Postgres explains them."""

from collections.abc import Iterator
from typing import Any

import psycopg

from core.database.query import Query


def explain(conn: psycopg.Connection, one: Query[Any], /, *, options: str = "", **parameters: object) -> dict[str, Any]:
    """Explain a statement for these parameters. `options` end with a comma."""
    cursor = psycopg.RawCursor(conn)
    statement = f"explain ({options} format json) {one.text}".encode()
    ((plan,),) = cursor.execute(statement, one._order(parameters)).fetchall()
    return plan[0]["Plan"]


def count_rows_of_requests(node: dict[str, Any]) -> Iterator[float]:
    """Return the rows that each scan of requests has read."""
    if node.get("Relation Name") == "requests":
        yield node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
    for child in node.get("Plans", []):
        yield from count_rows_of_requests(child)
