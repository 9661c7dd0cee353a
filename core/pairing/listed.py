"""Parse a posted trace and its top-k lists in one pass, to score it. Rendering a log needs the JSON of the lists."""

from typing import Annotated

import msgspec
from msgspec import Meta
from typing_extensions import override

from core.confidence import MAX_TOP_TOKENS, Entry
from core.document.parse import make_decoder, parse_quickly
from core.document.schema import Event, Rows, TraceDocument

MAX_BYTES = 4 * 1024 * 1024
"""Largest body whose lists are decoded. In a larger one, the entries take more time and twice its memory."""


class _ListedEvent(Event, frozen=True, kw_only=True, gc=False):
    """An event whose list is decoded. The list may be empty."""

    top_tokens: Annotated[list[Entry], Meta(max_length=MAX_TOP_TOKENS)] | None = None  # pyrefly: ignore[bad-override]

    @property
    @override
    def has_list(self) -> bool:
        return bool(self.top_tokens)


class _ListedDocument(TraceDocument, frozen=True, kw_only=True, gc=False):
    events: Annotated[list[_ListedEvent], Rows] = msgspec.field(default_factory=list)  # pyrefly: ignore[bad-override]


_DECODER = make_decoder(_ListedDocument)


def parse_listed(body: bytes) -> TraceDocument | None:
    """Parse a trace as `parse_quickly` does. If it is small and all its lists may be regular, they are decoded."""
    return parse_quickly(body, _DECODER) if len(body) <= MAX_BYTES else parse_quickly(body)
