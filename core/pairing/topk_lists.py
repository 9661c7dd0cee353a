"""Read the top-k lists of a trace: all at once if every list is regular, otherwise one by one."""

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from core.confidence import (
    Distribution,
    InvalidDistribution,
    ListTable,
    PostedList,
    decode_distribution,
    decode_lists,
    read_distribution,
    read_prob,
)
from core.document.schema import Event
from core.errors import InvalidInputError
from core.wire.json_text import dump_json

MAX_EMPTY_CHARS = 64
"""Maximum characters of an empty list. A longer one is parsed to find out whether it is empty."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The top-k lists of a trace's forward passes. A row is the index of a list, in the order of sequence_order.

    Attributes:
        events: the event of each row.
        rows: the row of each event that has a list, by its sequence_order.
        table: all lists as arrays; None if one of them is not regular.
        distributions: the distribution of each row; empty if there is a table.
    """

    events: list[Event]
    rows: dict[int, int]
    table: ListTable | None
    distributions: list[Distribution]

    def get(self, row: int) -> Distribution:
        """Return the distribution of one row."""
        return self.distributions[row] if self.table is None else self.table.distribution(row)

    def is_verbatim(self, row: int) -> bool:
        """Return whether the list of a row was posted sorted, each token once, with ids and logprobs."""
        return self.table is not None or self.distributions[row].is_verbatim

    @property
    def sizes(self) -> list[int]:
        """Return the length of each list."""
        return [one.k for one in self.distributions] if self.table is None else self.table.sizes.tolist()


def read_lists(events: Sequence[Event], posted: Sequence[int]) -> Lists:
    """Read the lists of all forward passes.

    Args:
        events: by sequence_order.
        posted: the index of each event in the document, for errors.

    Raises:
        InvalidInputError: a list is not a distribution; the message names the field.
    """
    passes = [
        (event, index)
        for event, index in zip(events, posted, strict=True)
        if event.event_type == "ForwardPass" and event.has_list and not _is_empty(event.top_tokens)
    ]
    table = decode_lists([event.top_tokens for event, _ in passes])
    distributions: list[Distribution] = []
    if table is None:
        read = [(event, _read_one(event.top_tokens, f"events[{index}].top_tokens")) for event, index in passes]
        distributions = [one for _, one in read if one is not None]
        kept = [event for event, one in read if one is not None]
    else:
        kept = [event for event, _ in passes]
    return Lists(kept, {event.sequence_order: row for row, event in enumerate(kept)}, table, distributions)


def _is_empty(posted: PostedList) -> bool:
    if isinstance(posted, list):
        return not posted
    return len(posted) <= MAX_EMPTY_CHARS and not bytes(posted)[1:-1].strip()


def _read_one(posted: PostedList, path: str) -> Distribution | None:
    decoded = decode_distribution(posted)
    if decoded is not None:
        return decoded
    entries, is_strict = read_entries(msgspec.json.encode(posted) if isinstance(posted, list) else posted)
    try:
        distribution = read_distribution(entries, path)
    except InvalidDistribution as error:
        raise InvalidInputError(str(error)) from None
    if distribution is None or is_strict:
        return distribution
    return msgspec.structs.replace(distribution, is_verbatim=False)  # its text cannot be part of the log


def read_entries(text: bytes | msgspec.Raw) -> tuple[list[Any], bool]:
    """Parse a list. Also return whether it is strict: without lone surrogates and numbers beyond a double.

    Raises:
        InvalidInputError: a number has more digits than Python can read, or the list is nested too deeply.
    """
    try:
        entries = orjson.loads(memoryview(text))
    except orjson.JSONDecodeError:
        return _parse_slowly(text), False
    dump_json([[[entries]]])  # as deep as in the log, which is parsed to remove labels
    return entries, True


def _parse_slowly(text: bytes | msgspec.Raw) -> list[Any]:
    try:
        return json.loads(bytes(text))
    except RecursionError:
        raise InvalidInputError("body: nested too deeply; nest it less deeply") from None
    except ValueError as error:
        raise InvalidInputError(f"body: not usable JSON: {error}; send valid JSON") from None


def show_list(text: msgspec.Raw) -> msgspec.Raw | list[Any]:
    """Return a list for the log: as posted, with a logprob added to each entry that has only a prob."""
    entries, is_strict = read_entries(text)
    return text if is_strict and _has_logprobs(entries) else [_with_logprob(entry) for entry in entries]


def _has_logprobs(entries: Sequence[Any]) -> bool:
    return all(isinstance(entry, dict) and entry.get("logprob") is not None for entry in entries)


def _with_logprob(entry: Any) -> Any:  # noqa: ANN401 - as posted; only the entries of a ForwardPass were checked
    if not isinstance(entry, dict) or entry.get("logprob") is not None or entry.get("prob") is None:
        return entry
    try:
        logprob = read_prob(entry["prob"], "prob")
    except InvalidDistribution:
        return entry
    return {**entry, "logprob": logprob if logprob > -math.inf else None}


def list_texts(lists: Lists) -> dict[int, str]:
    """Map each token id of the lists to its text."""
    distributions = map(lists.get, range(len(lists.events)))
    pairs = itertools.chain.from_iterable(zip(one.tokens, one.texts, strict=True) for one in distributions)
    return {token: text for token, text in pairs if token is not None and text is not None}
