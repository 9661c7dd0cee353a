"""The formats of a stored document: one zstd frame, from which everything else is derived."""

from core.errors import ThunderError

QUOTE_FORMAT = 1
"""The document that the Quote engine posts, with labels in place of user API keys."""


class NewerFormatError(ThunderError):
    """A document was stored by a newer version of Thunder."""

    status = 503


def require_known_format(number: int) -> None:
    """Refuse a document in a format that this version does not know.

    Raises:
        NewerFormatError: a newer version of Thunder stored the document.
    """
    if number != QUOTE_FORMAT:
        raise NewerFormatError(f"document: a newer version of Thunder stored it (format {number}); update Thunder")
