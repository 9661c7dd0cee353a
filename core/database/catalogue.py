"""The schema of a database, written from its catalogue: for where there is no pg_dump that knows the server.

Equal schemas give equal texts, though not pg_dump's; a database made from the text has an equal schema.
"""

import psycopg

from core.database.sql import load_query

_QUALIFY_NAMES = load_query("schema/qualify_names")
_IN_ORDER = (
    load_query("schema/list_tables"),
    load_query("schema/list_functions"),
    load_query("schema/list_column_options"),
    load_query("schema/list_constraints"),
    load_query("schema/list_indexes"),
    load_query("schema/list_triggers"),
    load_query("schema/list_comments"),
)
"""Functions take rows of tables; defaults, checks, indexes and triggers may call functions."""
_LIST_UNWRITTEN = load_query("schema/list_unwritten")


def describe_catalogue(conn: psycopg.Connection) -> str:
    """Every table, function, constraint, index, trigger and comment as a statement; anything else by its name."""
    with conn.transaction():
        conn.execute(_QUALIFY_NAMES)
        statements = [f"{text};" for query in _IN_ORDER for (text,) in conn.execute(query).fetchall()]
        unwritten = [f"-- Not written: {name}" for (name,) in conn.execute(_LIST_UNWRITTEN).fetchall()]
    return "\n\n".join([*statements, *unwritten]) + "\n"


def read_major_version(conn: psycopg.Connection) -> int:
    """The server's: 18."""
    return conn.info.server_version // 10_000
