"""Limits of the pages of every list, and cursors that are the id of the last row."""

from typing import Annotated

from pydantic import AfterValidator

from core.errors import InvalidInputError

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
MAX_OFFSET = 2**31 - 1
MAX_CURSOR = 2**63 - 1

Limit = Annotated[int, AfterValidator(lambda limit: min(max(limit, 1), MAX_LIMIT))]
"""The number of rows of a page. Any integer is accepted, and clamped to 1…100."""
Offset = Annotated[int, AfterValidator(lambda offset: min(max(offset, 0), MAX_OFFSET))]
"""The number of rows before a page. Any integer is accepted, and clamped to at least 0."""


def read_cursor(text: str | None) -> int | None:
    """Return the id in a cursor; None for the first page.

    Raises:
        InvalidInputError: the cursor is not valid.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_CURSOR):
        raise InvalidInputError("cursor: not a valid next_cursor; use the one from the previous page")
    return int(text)
