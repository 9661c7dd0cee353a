"""Decode top-k lists directly from JSON if they are regular: sorted, unmasked, without duplicates or other keys."""

from typing import Annotated

import msgspec
from msgspec import Meta

from core.confidence.distribution import LEAST_CLEAN, MAX_TOKEN_ID, MAX_TOP_TOKENS, Distribution, make_distribution


class Entry(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """An entry of a regular list: an id, an unmasked log-probability (nats), and a text under either key."""

    token: Annotated[int, Meta(ge=0, le=MAX_TOKEN_ID)]
    logprob: Annotated[float, Meta(ge=LEAST_CLEAN, le=0.0)]
    token_str: str | None = None
    text: str | None = None


PostedList = bytes | msgspec.Raw | list[Entry]
"""The JSON of a list, or its entries."""

_DECODER = msgspec.json.Decoder(Annotated[list[Entry], Meta(min_length=1, max_length=MAX_TOP_TOKENS)])


def decode_entries(posted: PostedList) -> list[Entry] | None:
    """Decode a list whose entries are all regular, in any order. Return None for any other list."""
    if isinstance(posted, list):
        return posted
    try:
        return _DECODER.decode(posted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decode_distribution(posted: PostedList) -> Distribution | None:
    """Decode a regular list: `{token, logprob, token_str? | text?}`, sorted, unmasked, no duplicates, no other keys.

    Almost every list is regular. Return None for any other list; `read_distribution` reads it or reports its error.
    """
    entries = decode_entries(posted)
    if entries is None:
        return None
    tokens = tuple([entry.token for entry in entries])
    logprobs = [entry.logprob for entry in entries]
    if sorted(logprobs, reverse=True) != logprobs or len({*tokens}) < len(tokens):
        return None
    texts = tuple([entry.token_str for entry in entries])
    if None in texts:
        texts = tuple([entry.text if entry.token_str is None else entry.token_str for entry in entries])
    distribution = make_distribution(tokens, texts, tuple(logprobs), is_verbatim=True)
    return distribution if distribution.is_possible else None
