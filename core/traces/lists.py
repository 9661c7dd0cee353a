"""Top-k lists to the letter: the log shows them as they were posted, and the document is stored without them.

They are four fifths of a trace. The document's frame has `CUT` in the place of each list, a byte that no JSON may hold
as it is; the lists stand in the log, in the same order (docs/decisions/0011).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from core.traces.document import TraceDocument
from core.zstandard import decompress

CUT = b"\0"
SEARCHED = 40
"""Bytes of a list to look for: to prepare a search for all of it takes longer than the search."""
_ORDER, _LOGPROB = attrgetter("sequence_order"), itemgetter("logprob")


@dataclass(frozen=True, slots=True)
class CutDocument:
    """A document without its lists.

    Attributes:
        rest: what is left, with `CUT` where each list stood.
        lists: one per event that has one, in the order of the events; JSON.
    """

    rest: bytes
    lists: list[bytes]


class _Event(msgspec.Struct, gc=False):
    top_tokens: msgspec.Raw = msgspec.Raw(b"null")


class _Events(msgspec.Struct):
    events: list[_Event] = []


_DECODER = msgspec.json.Decoder(_Events)


def cut_lists(body: bytes, document: TraceDocument) -> CutDocument | None:
    """Part a document and its lists; null if the log shows one of them otherwise, or in another order.

    Args:
        body: a document in strict JSON, as orjson reads it.
        document: the same, parsed.
    """
    shown = [event.top_tokens for event in document.events if event.top_tokens is not None]
    if not all(map(is_shown_as_posted, shown)) or not _is_ordered(document):
        return None
    try:
        lists = _read_lists(body)
    except msgspec.DecodeError:
        return None
    return CutDocument(_cut(body, lists), lists) if len(lists) == len(shown) else None


def is_shown_as_posted(top_tokens: Sequence[Any]) -> bool:
    """Whether each entry says its logprob: where only a prob was posted, the log adds it."""
    try:
        return None not in map(_LOGPROB, top_tokens)
    except (KeyError, TypeError):
        return False


def assemble(document_frame: bytes, log_frame: bytes) -> bytes:
    """A document as it was posted, out of the two frames that are stored of a trace."""
    parts = decompress(document_frame).split(CUT)
    if len(parts) == 1:
        return parts[0]
    lists = _read_lists(b"{" + decompress(log_frame))
    return b"".join(itertools.chain.from_iterable(zip(parts, [*lists, b""], strict=True)))


def _is_ordered(document: TraceDocument) -> bool:
    orders = list(map(_ORDER, document.events))
    return all(one < next_one for one, next_one in itertools.pairwise(orders))


def _read_lists(text: bytes) -> list[bytes]:
    posted = (bytes(event.top_tokens) for event in _DECODER.decode(text).events)
    return [one for one in posted if one != b"null"]


def _cut(body: bytes, lists: list[bytes]) -> bytes:
    parts: list[bytes] = []
    end = 0
    for one in lists:
        start = body.index(one[:SEARCHED], end)
        if not body.startswith(one, start):
            start = body.index(one, start)
        parts.append(body[end:start])
        end = start + len(one)
    return CUT.join([*parts, body[end:]])
