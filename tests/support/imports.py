"""Small traces and files for the tests of imports."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from core.transfer.export_line import Origin, write_line
from tests.support.documents import make_document, number, one_token

MOMENT = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
KEY = "sk-user-0123456789abcdef"


def write_lines(name: str, *documents: Any) -> Path:
    path = Path(name)
    path.write_bytes(b"".join(json.dumps(document).encode() + b"\n" for document in documents))
    return path


def small(request_id: str, **request: Any) -> Any:
    return make_document(request_id, number(one_token()), request=request)


def ids(sql: psycopg.Connection) -> list[str]:
    return [name for (name,) in sql.execute("select request_id from requests order by id")]


SMALL = b'{"request": {"request_id": "x"}}'
EXPORTED = write_line(SMALL, Origin(None, None, MOMENT, "abcdefghijkl")).rstrip()
