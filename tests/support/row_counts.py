"""Count the rows of each table of traces."""

import psycopg
from psycopg import sql as psycopg_sql

TABLES = (
    "requests",
    "request_traces",
    "request_steps",
    "step_logit_summaries",
    "mods",
    "mod_blocks",
    "mod_calls",
    "mod_logs",
    "actions",
)


def count_rows(sql: psycopg.Connection) -> dict[str, int]:
    counted = {}
    for table in TABLES:
        row = sql.execute(psycopg_sql.SQL("select count(*) from {}").format(psycopg_sql.Identifier(table))).fetchone()
        counted[table] = row[0] if row else 0
    return counted
