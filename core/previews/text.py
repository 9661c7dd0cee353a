"""Prepare text of a trace for a preview: one short line of characters that a font can show."""

import unicodedata

from core.access.hasher import strip_cut_labels

READ_CHARACTERS = 2000
"""Maximum number of characters of a text that are read."""
REPLACEMENT = "\ufffd"
ELLIPSIS = "…"
_VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def shorten(text: str | None, limit: int) -> str:
    """Return the start of a text as one line of at most `limit` characters, which ends in … if it was cut.

    Labels of user API keys, controls and invisible characters are removed.
    """
    start = (text or "").lstrip()
    shown = clean(strip_cut_labels(start[:READ_CHARACTERS], READ_CHARACTERS))
    if len(shown) <= limit and len(start) <= READ_CHARACTERS:
        return shown
    return shown[: limit - 1].rstrip() + ELLIPSIS


def clean(text: str) -> str:
    """Return a text as one line without controls, invisible characters and lone surrogates."""
    composed = unicodedata.normalize("NFC", text)
    return " ".join("".join(map(_show, composed)).split())


def _show(character: str) -> str:
    if character.isspace():
        return " "
    if any(ord(character) in selectors for selectors in _VARIATION_SELECTORS):
        return ""
    match unicodedata.category(character):
        case "Cc":
            return " "
        case "Cf":  # among them the controls of writing direction, which could reorder the rest of the line
            return ""
        case "Cs":
            return REPLACEMENT
        case _:
            return character
