"""Draw preview images: PNG, 1200 by 628 pixels, the size that chat programs and networks expect."""

import io
import threading

from PIL import Image, ImageDraw

from core.previews.content import HEIGHT, WIDTH, PreviewImage
from core.previews.fonts import load_font, measure, split_by_font
from core.previews.lines import Line, Shape, break_lines, fit, to_visual
from core.previews.text import shorten

MARGIN = 64
INNER = WIDTH - 2 * MARGIN
LARGE, SMALL = 44, 22
"""Sizes of text in pixels. Each size of a font costs up to 50 ms to load, once per process."""
COMPRESSION = 4
MODEL_CHARACTERS, PROMPT_CHARACTERS, INJECTED_CHARACTERS = 60, 60, 30
OUTPUT = Shape(SMALL, INNER - 48, lines=4, characters=85)
BACKGROUND, CARD, TEXT, MUTED = "#0f172a", "#1b2741", "#f1f5f9", "#9fb0c8"
MARK, MARKED_TEXT, TRACK = "#fbbf24", "#1e1b09", "#33415c"
_DRAWING = threading.Lock()
"""FreeType's fonts must not be used by two threads at once."""


def draw_request(content: PreviewImage) -> bytes:
    """Draw the image of a request, and return it as PNG."""
    with _DRAWING:
        canvas = _Canvas()
        canvas.write_heading(shorten(content.model, MODEL_CHARACTERS) or "Unknown model", "Inference log")
        limit = "unknown" if content.max_tokens is None else f"{content.max_tokens:,}"
        canvas.write(f"Token limit: {fit(limit, SMALL, 400)}", 140, MUTED)
        canvas.draw_confidence(content.confidence, content.share)
        canvas.write("Prompt", 208, MUTED)
        canvas.write(shorten(content.prompt, PROMPT_CHARACTERS) or "—", 240, TEXT)
        canvas.write_output(content.output, content.injected)
        canvas.write_injected(content.injected)
        return canvas.encode()


def draw_playground(title: str, sentence: str) -> bytes:
    """Draw the image of the playground, with an answer into which a mod injected text, and return it as PNG."""
    with _DRAWING:
        canvas = _Canvas()
        canvas.write_heading(title, "Thunder")
        canvas.write(sentence, 168, MUTED)
        canvas.write_output("Certainly! Here is the honest answer: nobody knows.", "Here is the honest answer:")
        canvas.write_injected("Here is the honest answer:")
        return canvas.encode()


class _Canvas:
    """An image while it is drawn. Positions are in pixels, of a line's baseline."""

    def __init__(self) -> None:
        self._image = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
        self._draw = ImageDraw.Draw(self._image)
        self._draw.rectangle((0, 0, WIDTH, 10), fill=MARK)

    def write_heading(self, title: str, kind: str) -> None:
        """Write the line above the title of the image."""
        self.write(kind, 62, MUTED)
        self._write_run(MARGIN, 108, to_visual(fit(title, LARGE, INNER - 320)), TEXT, LARGE)

    def write(self, text: str, y: int, color: str, x: float = MARGIN) -> None:
        """Write one line of small text."""
        self._write_run(x, y, to_visual(fit(text, SMALL, WIDTH - MARGIN - x)), color, SMALL)

    def draw_confidence(self, words: str, share: float | None) -> None:
        """Write the confidence at the top right, over a bar of that length."""
        left = WIDTH - MARGIN - 280
        self.write("Confidence", 62, MUTED, left)
        self._write_run(left, 108, words, TEXT, LARGE)
        self._draw.rounded_rectangle((left, 126, left + 280, 138), 6, fill=TRACK)
        if share is not None and share > 0:
            self._draw.rounded_rectangle((left, 126, left + max(12, round(280 * min(share, 1))), 138), 6, fill=MARK)

    def write_output(self, output: str, injected: str) -> None:
        """Write the first lines of the answer, with the injected text marked."""
        self.write("Output", 304, MUTED)
        self._draw.rounded_rectangle((MARGIN, 322, WIDTH - MARGIN, 486), 12, fill=CARD)
        # An injected text that begins in these lines is found although it ends after them.
        text = shorten(output, OUTPUT.lines * (OUTPUT.characters + 1) + len(injected))
        for number, line in enumerate(break_lines(text, injected, OUTPUT)):
            self.write_line(line, 360 + 34 * number)
        if not text:
            self.write("No text", 360, MUTED, MARGIN + 24)

    def write_line(self, line: Line, y: int) -> None:
        """Write one line with its marks."""
        x = MARGIN + 24.0
        for text, is_marked in line.pieces:
            if is_marked:
                self._draw.rounded_rectangle((x - 2, y - 24, x + measure(text, SMALL) + 2, y + 8), 4, fill=MARK)
            x = self._write_run(x, y, text, MARKED_TEXT if is_marked else TEXT, SMALL)

    def write_injected(self, injected: str) -> None:
        """Write the injected text at the bottom, and the name of the product."""
        shown = shorten(injected, INJECTED_CHARACTERS)
        if shown:
            self.write("Injected", 528, MUTED)
            self.write(shown, 562, MARK)
        self.write("Thunder", 562, MUTED, WIDTH - MARGIN - measure("Thunder", SMALL))

    def encode(self) -> bytes:
        """Return the image as PNG."""
        file = io.BytesIO()
        self._image.quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
            file, "PNG", compress_level=COMPRESSION
        )
        return file.getvalue()

    def _write_run(self, x: float, y: int, text: str, color: str, size: int) -> float:
        """Write a text in visual order, and return where it ends."""
        for name, run in split_by_font(text):
            font = load_font(name, size)
            self._draw.text((x, y), run, color, font, anchor="ls")
            x += font.getlength(run)
        return x
