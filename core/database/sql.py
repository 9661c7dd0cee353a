"""Load SQL statements from `sql/queries/`, which holds all of them, one per file."""

from pathlib import Path
from typing import LiteralString, cast

SQL_DIR = Path(__file__).parents[2] / "sql"


def load_query(name: str) -> LiteralString:
    """Read a statement by its path under `sql/queries/`, without the suffix.

    Store modules call this at import, so a missing file fails at startup and not at the first request. The cast to
    LiteralString is safe, because the text is part of this repository and never comes from a caller.
    """
    return cast("LiteralString", (SQL_DIR / "queries" / f"{name}.sql").read_text(encoding="utf-8"))
