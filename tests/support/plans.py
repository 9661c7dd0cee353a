"""Plans of statements, as Postgres explains them."""

from typing import Any

import psycopg

from core.database.query import Query


def explain(conn: psycopg.Connection, one: Query[Any], /, *, options: str = "", **parameters: object) -> dict[str, Any]:
    """Explain a statement for these parameters. `options` end with a comma."""
    cursor = psycopg.RawCursor(conn)
    statement = f"explain ({options} format json) {one.text}".encode()
    ((plan,),) = cursor.execute(statement, one._order(parameters)).fetchall()
    return plan[0]["Plan"]
