"""Limits of the pages of every list."""

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
MAX_OFFSET = 2**31 - 1


def clamp_page(limit: int, offset: int) -> tuple[int, int]:
    """Clamp `limit` to 1…100 and `offset` to at least 0: lists accept any number instead of refusing it."""
    return min(max(limit, 1), MAX_LIMIT), min(max(offset, 0), MAX_OFFSET)
