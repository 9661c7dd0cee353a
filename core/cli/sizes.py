"""Format sizes, ages and counts for display."""

from datetime import timedelta

from core.database.migrations import Stamp

STEP = 1024


def describe_bytes(count: int) -> str:
    """Format a size, for example `3.4 MiB`."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < STEP:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= STEP
    return f"{size:.1f} GiB"


def describe_age(age: timedelta) -> str:
    """Format an age, for example `12 s`, `3 min`, `5 h` or `9 d`. Negative ages become `0 s`."""
    seconds = max(0, int(age.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def count_of(number: int, one: str, many: str) -> str:
    """Format a count with its noun, for example `1 request` or `2,000 requests`."""
    return f"{number:,} {one if number == 1 else many}"


def describe_stamp(stamp: Stamp | None) -> str:
    """Name the app that a database belongs to, and the time of the stamp."""
    return "none yet" if stamp is None else f"{stamp.app_name}, since {stamp.stamped_at:%Y-%m-%d %H:%M %Z}"
