"""Top-k lists to the letter: the log shows them as they were posted, and the document is stored without them.

They are four fifths of a trace. The document's frame has `CUT` in the place of each list, a byte that no JSON may hold
as it is; the lists stand in the log, in the same order (docs/decisions/0011).
"""

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any

import msgspec
import orjson

from core.confidence import InvalidDistribution, read_prob
from core.errors import InvalidInputError
from core.traces.document import NO_LIST, Event
from core.traces.json_text import dump_json
from core.traces.mask import MaskedDocument
from core.traces.steps import Pairing
from core.zstandard import decompress

CUT = b"\0"
SEARCHED = 40
"""Bytes of a list to look for: to prepare a search for all of it takes longer than the search."""
_ORDER, _LOGPROB = attrgetter("sequence_order"), itemgetter("logprob")

Shown = msgspec.Raw | list[Any]
"""What the log shows of a list: its own text, or other entries."""


class _Event(msgspec.Struct, gc=False):
    top_tokens: msgspec.Raw = msgspec.Raw(b"null")


class _Events(msgspec.Struct):
    events: list[_Event] = []


_DECODER = msgspec.json.Decoder(_Events)


def read_list(text: msgspec.Raw) -> tuple[list[Any], bool]:
    """The entries of a list, and whether orjson reads it: no lone surrogates, no numbers beyond a double.

    Raises:
        InvalidInputError: a number has more digits than Python reads, or it is nested too deeply.
    """
    try:
        entries = orjson.loads(memoryview(text))
    except orjson.JSONDecodeError:
        return _read_slowly(text), False
    dump_json([[[entries]]])  # as deep as it lies in the log, which must be written anew for whoever may see no labels
    return entries, True


def _read_slowly(text: msgspec.Raw) -> list[Any]:
    try:
        return json.loads(bytes(text))
    except RecursionError:
        raise InvalidInputError("the body is nested too deeply") from None
    except ValueError as error:
        raise InvalidInputError(f"the body is not usable JSON: {error}") from None


def show_lists(pairing: Pairing) -> dict[int, Shown]:
    """What the log shows of each event's list, by its sequence_order; in order."""
    passes = (one for one in pairing.passes if one.distribution and one.distribution.is_as_sent)
    clean = {one.event.sequence_order for one in passes}
    return {
        event.sequence_order: event.top_tokens if event.sequence_order in clean else _show_list(event.top_tokens)
        for event in pairing.events
        if event.has_list
    }


def _show_list(text: msgspec.Raw) -> Shown:
    """The UI reads logprob: where only prob was posted, its logarithm is added."""
    entries, is_strict = read_list(text)
    return text if is_strict and _has_logprobs(entries) else [_with_logprob(entry) for entry in entries]


def _has_logprobs(entries: Sequence[Any]) -> bool:
    try:
        return None not in map(_LOGPROB, entries)
    except (KeyError, TypeError):
        return False


def _with_logprob(entry: Any) -> Any:  # noqa: ANN401 - as posted; only a ForwardPass's entries were checked
    if not isinstance(entry, dict) or entry.get("logprob") is not None or entry.get("prob") is None:
        return entry
    try:
        logprob = read_prob(entry["prob"], "prob")
    except InvalidDistribution:
        return entry
    return {**entry, "logprob": logprob if logprob > -math.inf else None}


def cut_lists(masked: MaskedDocument, lists: Mapping[int, Shown]) -> bytes | None:
    """A document with `CUT` where each list stood; null if the log shows one of them otherwise, or in another order.

    Args:
        masked: a document without users' keys.
        lists: what the log shows, in order.
    """
    if not _is_ordered(masked.document.events):
        return None
    body, end = masked.body, 0
    parts: list[bytes] = []
    for one in lists.values():
        start = _find(body, one, end) if isinstance(one, msgspec.Raw) else -1
        if start < 0:
            return None
        parts.append(body[end:start])
        end = start + len(one)
    parts.append(body[end:])
    return CUT.join(parts)


def forget_lists(events: Iterable[Event]) -> None:
    """Let go of the lists, which keep the whole body in memory, where nobody will read them any more."""
    for event in events:
        msgspec.structs.force_setattr(event, "top_tokens", NO_LIST)


def assemble(document_frame: bytes, log_frame: bytes) -> bytes:
    """A document as it was posted, out of the two frames that are stored of a trace."""
    parts = decompress(document_frame).split(CUT)
    if len(parts) == 1:
        return parts[0]
    lists = _read_lists(b"{" + decompress(log_frame))
    return b"".join(itertools.chain.from_iterable(zip(parts, [*lists, b""], strict=True)))


def _is_ordered(events: Iterable[Event]) -> bool:
    orders = list(map(_ORDER, events))
    return all(one < next_one for one, next_one in itertools.pairwise(orders))


def _find(body: bytes, one: msgspec.Raw, start: int) -> int:
    text = bytes(one)
    found = body.find(text[:SEARCHED], start)
    return found if body.startswith(text, found) else body.find(text, start)


def _read_lists(text: bytes) -> list[bytes]:
    posted = (bytes(event.top_tokens) for event in _DECODER.decode(text).events)
    return [one for one in posted if one != b"null"]
