"""The fonts of preview images: which one has a character, and the width of a text."""

from bisect import bisect_right
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

from PIL import ImageFont

from core.previews.text import REPLACEMENT

FOLDER = Path(__file__).parent / "fonts"
COVERAGE = FOLDER / "coverage.txt"
FIRST = "dejavu"


@cache
def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """Load a font at a size in pixels. The basic layout does not depend on libraries of the system."""
    return ImageFont.truetype(FOLDER / f"{name}.woff2", size, layout_engine=ImageFont.Layout.BASIC)


@cache
def read_coverage() -> tuple[list[int], list[tuple[int, str]]]:
    """Read the ranges of characters: the first of each, and its last with the name of its font."""
    rows = [line.split() for line in COVERAGE.read_text("utf-8").splitlines() if not line.startswith("#")]
    return [int(row[0], 16) for row in rows], [(int(row[1], 16), row[2]) for row in rows]


def find_font(character: str) -> str | None:
    """Return the name of the font that has a character; None if no font has it."""
    starts, ends = read_coverage()
    position = bisect_right(starts, ord(character)) - 1
    if position < 0 or ord(character) > ends[position][0]:
        return None
    return ends[position][1]


def split_by_font(text: str) -> Iterator[tuple[str, str]]:
    """Split a text into runs of one font each: (font, run). A character that no font has becomes U+FFFD."""
    placed = [(name, one) if (name := find_font(one)) else (FIRST, REPLACEMENT) for one in text]
    for name, run in groupby(placed, key=lambda one: one[0]):
        yield name, "".join(character for _, character in run)


def measure(text: str, size: int) -> float:
    """Return the width of a text in pixels."""
    return sum(_measure_character(character, size) for character in text)


@lru_cache(maxsize=8192)
def _measure_character(character: str, size: int) -> float:
    ((name, shown),) = split_by_font(character)
    return load_font(name, size).getlength(shown)
