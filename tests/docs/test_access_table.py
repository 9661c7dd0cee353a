"""The table of routes and callers in docs/ACCESS.md, compared with the tested table of routes and keys."""

import re

from tests.support.access_table import COLUMNS, ROWS, name_route
from tests.support.environment import ROOT
from tests.support.openapi import DOCUMENT

CALLERS = ("nobody", "ingest key", "another user", "the owner", "an admin")
ROW = re.compile(
    rf"^\| `([A-Z]+) ([^`]+)`( if public)? \| `?([a-z]+)`? \|{'( [0-9]{3} )[|]' * len(CALLERS)}$", re.MULTILINE
)
DOCUMENTED = ROW.findall((ROOT / "docs" / "ACCESS.md").read_text(encoding="utf-8"))
KEYS = {"none": "nobody", "inge": "ingest key", "stra": "another user", "owne": "the owner"}
KEYS |= dict.fromkeys(("admi", "conf"), "an admin")
"""The caller that has the key of a column, whatever its scopes."""
SCOPES = {
    "boun": ("the owner", {"read", "curate"}),
    "read": ("the owner", {"read"}),
    "cura": ("the owner", {"curate"}),
    "dele": ("the owner", {"delete"}),
    "othe": ("another user", {"read", "curate", "delete"}),
}
"""The user of the issued key of a column, and its scopes."""


def find_statuses(method: str, path: str, *, public: bool) -> dict[str, str]:
    """Return the tested statuses of a route by column: for the owner's object, or for a public one."""
    rows = [row for row in ROWS if name_route(*row[:2]) == f"{method} {path}" and (not public or "{public}" in row[1])]
    return dict(zip(COLUMNS, rows[0][2:], strict=True))


def test_each_documented_answer_is_the_tested_one() -> None:
    """tests/http/test_access_matrix.py sends the requests."""
    wrong: list[str] = []
    for method, path, public, needs, *statuses in DOCUMENTED:
        tested = find_statuses(method, path, public=bool(public))
        documented = dict(zip(CALLERS, (status.strip() for status in statuses), strict=True))
        expected = {column: documented[caller] for column, caller in KEYS.items()}
        for column, (user, scopes) in SCOPES.items():
            expected[column] = documented[user] if needs in {"none", "any"} | scopes else "403"
        wrong += [
            f"{method} {path}{public}, {column}: {tested[column]}, not {status}"
            for column, status in expected.items()
            if tested[column] != status
        ]
    assert not wrong, "\n".join(wrong)


def test_each_route_is_in_the_table() -> None:
    routes = {f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert routes == {f"{method} {path}" for method, path, *_ in DOCUMENTED}
