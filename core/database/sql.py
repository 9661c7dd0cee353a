"""The SQL files. Statements live in `sql/queries/`, one per file, and nowhere else."""

from pathlib import Path
from typing import LiteralString, cast

SQL_DIR = Path(__file__).parents[2] / "sql"


def load_query(name: str) -> LiteralString:
    """Read one statement, by its path under `sql/queries/` without the ending.

    Called while a store module is imported, so that a missing file fails at start and not at the first request.
    The cast is the only one: the text is the repository's own, never a caller's.
    """
    return cast("LiteralString", (SQL_DIR / "queries" / f"{name}.sql").read_text(encoding="utf-8"))
