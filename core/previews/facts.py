"""Read the facts for the preview of a request from its stored document."""

from collections.abc import Sequence
from typing import Any

import msgspec

from core.document.formats import QUOTE_FORMAT, require_known_format
from core.document.parse import parse_stored
from core.document.schema import Action, Details
from core.previews.text import shorten
from core.responses.prompt import USER_ROLE, read_prompt
from core.traces.kept import parse_item
from core.wire.zstandard import decompress

PROMPT_CHARACTERS = 180
INJECTED_CHARACTERS = 400
"""More than an image shows of the answer, so that a longer injected text is marked to the end."""


class PreviewFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a request that only its document has. Texts are one line each, without labels; empty if unknown.

    Attributes:
        max_tokens: the token limit.
        prompt: the start of the user prompt.
        injected: the start of the text that the first ForceTokens action forced.
    """

    max_tokens: int | None = None
    prompt: str = ""
    injected: str = ""


class _Request(msgspec.Struct, gc=False):
    max_tokens: Any = None
    user_prompt: Any = None


class _Action(msgspec.Struct, gc=False):
    action_type: str
    tokens_as_text: Any = None
    details: Details | None = None


class _Document(msgspec.Struct, gc=False):
    """The part of a Quote trace that a preview needs. Its lists of events, most of its size, are skipped."""

    request: _Request
    actions: list[_Action] = []


_DECODE = msgspec.json.Decoder(_Document).decode
decode_facts = msgspec.json.Decoder(PreviewFacts).decode


def read_facts(frame: bytes, number: int, choice: int) -> bytes:  # noqa: ARG001 - called like render_document
    """Read the facts from a compressed document of this format, as JSON. Pure."""
    require_known_format(number)
    document = decompress(frame)
    facts = _read_quote(document) if number == QUOTE_FORMAT else _read_item(document, number)
    return msgspec.json.encode(facts)


def _read_quote(document: bytes) -> PreviewFacts:
    try:
        read: Any = _DECODE(document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        read = parse_stored(document)
    return PreviewFacts(
        max_tokens=read.request.max_tokens if type(read.request.max_tokens) is int else None,
        prompt=_shorten(read.request.user_prompt, PROMPT_CHARACTERS),
        injected=_shorten(_find_injected(read.actions), INJECTED_CHARACTERS),
    )


def _find_injected(actions: Sequence[_Action | Action]) -> str | None:
    for action in actions:
        if action.action_type == "ForceTokens":
            texts = action.tokens_as_text
            texts = (action.details or {}).get("tokens_as_text") if texts is None else texts
            return "".join(text for text in texts if isinstance(text, str)) if isinstance(texts, list) else None
    return None


def _read_item(document: bytes, number: int) -> PreviewFacts:
    prompt = read_prompt(parse_item(document, number).request)
    return PreviewFacts(max_tokens=prompt.max_tokens, prompt=_shorten(prompt.find_role(USER_ROLE), PROMPT_CHARACTERS))


def _shorten(text: object, limit: int) -> str:
    return shorten(text, limit) if isinstance(text, str) else ""
