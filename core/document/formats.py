"""The formats of a stored document: one zstd frame, from which everything else is derived."""

from core.errors import ThunderError

QUOTE_FORMAT = 1
"""The document that the Quote engine posts, with labels in place of user API keys."""
ITEM_FORMAT = 2
"""A JSON item: a response, alone or with its request, or the chunks of a stream."""
EVENTS_FORMAT = 3
"""The text of a stream of Server-Sent Events."""
SPAN_FORMAT = 4
"""A span in OTLP's JSON mapping."""

FORMATS = frozenset({QUOTE_FORMAT, ITEM_FORMAT, EVENTS_FORMAT, SPAN_FORMAT})


class NewerFormatError(ThunderError):
    """A document was stored by a newer version of Thunder."""

    status = 503


def require_known_format(number: int) -> None:
    """Refuse a document in a format that this version does not know.

    Raises:
        NewerFormatError: a newer version of Thunder stored the document.
    """
    if number not in FORMATS:
        raise NewerFormatError(f"document: a newer version of Thunder stored it (format {number}); update Thunder")
