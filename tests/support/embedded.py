"""Start an embedded Postgres, and find its processes."""

import os
from pathlib import Path

import psycopg

from core.local.postgres import TEST_SETTINGS, EmbeddedPostgres, start_embedded


def start(data_dir: Path) -> EmbeddedPostgres:
    return start_embedded(data_dir, settings=TEST_SETTINGS)


def remember(dsn: str, value: int) -> None:
    with psycopg.connect(dsn) as conn:
        conn.execute("create table if not exists kept (value int)")
        conn.execute("insert into kept values (%s)", [value])


def recall(dsn: str) -> list[int]:
    with psycopg.connect(dsn) as conn:
        return [value for (value,) in conn.execute("select value from kept order by value")]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
