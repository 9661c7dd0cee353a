"""Break the answer of a preview into lines, and find the injected text in each."""

from dataclasses import dataclass

import arabic_reshaper
from bidi import get_display

from core.previews.fonts import measure
from core.previews.text import ELLIPSIS

RIGHT_TO_LEFT = 0x590
"""Scripts that are written from right to left begin at this code point."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The space for a text.

    Attributes:
        size: the font's size in pixels.
        width: the width of a line in pixels.
        lines: the number of lines.
        characters: the maximum number of characters of a line.
    """

    size: int
    width: float
    lines: int
    characters: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line in visual order, as pieces that are drawn one after another. Each has a flag: whether it was injected."""

    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """The text of the line in visual order."""
        return "".join(text for text, _ in self.pieces)


def to_visual(text: str) -> str:
    """Return a line in visual order, with Arabic letters in the forms that join them."""
    if all(ord(character) < RIGHT_TO_LEFT for character in text):
        return text
    return str(get_display(arabic_reshaper.reshape(text)))


def fit(text: str, size: int, width: float) -> str:
    """Cut a text to a width in pixels. A cut text ends in …."""
    if measure(text, size) <= width:
        return text
    end = _find_end(text, 0, len(text), size, width - measure(ELLIPSIS, size))
    return text[:end].rstrip() + ELLIPSIS


def break_lines(text: str, injected: str, shape: Shape) -> list[Line]:
    """Break a text, one cleaned line, into lines, and mark the first occurrence of the injected text in it.

    Of an injected text that was cut, and therefore ends in …, the part before the … is marked. If the text is longer
    than the shape, the last line ends in ….
    """
    marked = injected if injected in text else injected.removesuffix(ELLIPSIS)
    start = text.find(marked) if marked else -1
    stop = start + len(marked) if start >= 0 else -1
    lines: list[Line] = []
    position = 0
    while position < len(text) and len(lines) < shape.lines:
        end = _break_line(text, position, shape)
        shown = text[position:end].rstrip()
        if len(lines) == shape.lines - 1 and end < len(text):
            shown = fit(shown[: shape.characters - 1] + ELLIPSIS, shape.size, shape.width)
        lines.append(_mark(shown, start - position, stop - position))
        position = end
        while position < len(text) and text[position] == " ":
            position += 1
    return lines


def _break_line(text: str, start: int, shape: Shape) -> int:
    """Return the end of the line that begins at `start`: after a word if possible, else inside it."""
    end = _find_end(text, start, min(len(text), start + shape.characters), shape.size, shape.width)
    if end == len(text) or text[end] == " ":
        return end
    space = text.rfind(" ", start, end)
    return end if space <= start else space


def _find_end(text: str, start: int, end: int, size: int, width: float) -> int:
    """Return the end of the longest part that begins at `start` and fits; at least one character."""
    used = 0.0
    for position in range(start, end):
        used += measure(text[position], size)
        if used > width and position > start:
            return position
    return end


def _mark(shown: str, start: int, stop: int) -> Line:
    start, stop = max(0, min(start, len(shown))), max(0, min(stop, len(shown)))
    if start >= stop:
        return Line(((to_visual(shown), False),))
    visual, part = to_visual(shown), to_visual(shown[start:stop])
    found = start if visual[start:stop] == part else visual.find(part)  # right-to-left text moves
    if found < 0:
        return Line(((visual, True),))
    pieces = ((visual[:found], False), (part, True), (visual[found + len(part) :], False))
    return Line(tuple(piece for piece in pieces if piece[0]))
