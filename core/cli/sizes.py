"""Sizes and ages as people read them."""

from datetime import timedelta

STEP = 1024


def describe_bytes(count: int) -> str:
    """`3.4 MiB`."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < STEP:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= STEP
    return f"{size:.1f} GiB"


def describe_age(age: timedelta) -> str:
    """`12 s`, `3 min`, `5 h`, `9 d`; nothing is younger than now."""
    seconds = max(0, int(age.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def count_of(number: int, one: str, many: str) -> str:
    """`1 request`, `2,000 requests`."""
    return f"{number:,} {one if number == 1 else many}"
