"""Prepare a posted trace as ingest does, without a server."""

from core.access.hasher import Hasher
from core.document.parse import parse_document
from core.traces.ingest import PreparedTrace, prepare_document


def prepare_trace(body: bytes, hasher: Hasher) -> PreparedTrace:
    """Parse, check, mask, score and compress one posted document.

    Raises:
        InvalidInputError: the document is not valid; the message names the field.
    """
    return prepare_document(body, parse_document(body), hasher)
