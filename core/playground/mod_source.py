"""Write the source of a mod from the form of the playground, and recognize source that was written here."""

import hmac
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from core.access.hasher import Hasher
from core.errors import InvalidInputError
from core.playground import mod_parts as parts
from core.wire.models import Body

MOD_NAME = "playground_mod"
MAX_TEXT_CHARACTERS = 10_000
MAX_PHRASE_CHARACTERS = 1000
MAX_PHRASES = 16
MAX_COUNT = 1_000_000
MAX_SOURCE_CHARACTERS = 1_000_000
"""Size limit of a source: more than the longest texts need, even if all their characters are escaped."""
TOKENS_PER_CHARACTER = 4
"""Maximum number of tokens of one character, whose UTF-8 has four bytes."""
SPARE_TOKENS = 16

_HEAD = '''\
"""A mod of Thunder's playground: {position}. Changed code can't be uploaded."""

{more}from collections import OrderedDict

from quote_mod_sdk import Added, ForwardPass, mod

'''
_MARK = "# thunder "
_OPEN, _CLOSE = "<think>", "</think>"


def _refuse_null(text: str | None) -> str | None:
    if text is not None and "\0" in text:
        raise ValueError("contains U+0000, which no model can write; remove it")
    return text


Phrase = Annotated[str | None, Field(max_length=MAX_PHRASE_CHARACTERS), AfterValidator(_refuse_null)]
Phrases = Annotated[list[Phrase], Field(max_length=MAX_PHRASES)]


class Position(StrEnum):
    """The position at which a mod changes the text."""

    START = "start"
    AFTER_TOKENS = "after_tokens"
    AFTER_SENTENCES = "after_sentences"
    EOT_BACKTRACK = "eot_backtrack"
    PHRASE_REPLACE = "phrase_replace"
    REASONING_START = "reasoning_start"
    REASONING_MID = "reasoning_mid"
    REASONING_END = "reasoning_end"
    REASONING_PHRASE_REPLACE = "reasoning_phrase_replace"
    RESPONSE_START = "response_start"
    RESPONSE_MID = "response_mid"
    RESPONSE_END = "response_end"
    RESPONSE_PHRASE_REPLACE = "response_phrase_replace"
    FULL_STREAM_PHRASE_REPLACE = "full_stream_phrase_replace"


class ModConfig(Body):
    """The form of the playground. Fields that the position does not need are ignored.

    Attributes:
        position: where the text is injected or replaced.
        injection_string: the text to inject; not used by the positions that replace phrases.
        token_count: the number of tokens after which the text is injected.
        sentence_count: the number of sentences after which the text is injected.
        detect_phrases: the phrases to replace. Empty ones are skipped.
        replacement_phrases: their replacements. An empty or missing one is the phrase itself.
    """

    position: Annotated[Position, Field(strict=False)]
    injection_string: Annotated[str | None, Field(max_length=MAX_TEXT_CHARACTERS), AfterValidator(_refuse_null)] = None
    token_count: int | None = None
    sentence_count: int | None = None
    detect_phrases: Phrases | None = None
    replacement_phrases: Phrases | None = None


def write_mod(config: ModConfig, hasher: Hasher) -> str:
    """Write the source of a mod, with a MAC of the rest in its last line.

    Raises:
        InvalidInputError: a field that the position needs is missing, zero or empty.
    """
    constants, body = _choose(config)
    head = _HEAD.format(position=config.position.value, more="import re\n" * (parts.REPLACED in body))
    # ascii() writes a literal of exactly the text, including line ends and quotes.
    values = "".join(f"{name} = {value!a}\n" for name, value in constants.items())
    source = head + "\n\n".join([values, parts.STATES, *body])
    return f"{source}{_MARK}{hasher.sign_mod(source)}\n"


def require_own_source(source: str, hasher: Hasher) -> None:
    """Check that source was written by `write_mod`, and was not changed since.

    Raises:
        InvalidInputError: the source has no valid MAC.
    """
    written, mark, mac = source.rpartition(_MARK)
    content, given = written.encode("utf-8", "replace").decode(), mac.strip().encode("utf-8", "replace")
    macs = [one.sign_mod(content).encode() for one in (hasher, hasher.previous) if one is not None]
    if not mark or not any(hmac.compare_digest(given, expected) for expected in macs):
        raise InvalidInputError(
            "code: not the code of a generated mod; upload the code of POST /playground/mods/generate unchanged"
        )


Choice = tuple[dict[str, object], list[str]]


def _choose(config: ModConfig) -> Choice:  # noqa: PLR0911 - a table
    """Return the constants and the parts of a mod."""
    match config.position:
        case Position.START:
            return _inject(config), [parts.PLAIN_STATE, parts.FORCE, parts.START]
        case Position.AFTER_TOKENS:
            constants = {**_inject(config), "COUNT": _require_count("token_count", config.token_count)}
            return constants, [parts.PLAIN_STATE, parts.FORCE, parts.COUNT_TOKENS, parts.COUNTED]
        case Position.AFTER_SENTENCES:
            constants = {**_inject(config), "COUNT": _require_count("sentence_count", config.sentence_count)}
            return constants, [parts.PLAIN_STATE, parts.FORCE, parts.COUNT_SENTENCES, parts.COUNTED]
        case Position.REASONING_START | Position.RESPONSE_START:
            tag = _OPEN if config.position is Position.REASONING_START else _CLOSE
            constants = {**_inject(config), "TAG": tag, **_watch(_CLOSE)}
            return constants, [parts.TAIL_STATE, parts.FORCE, parts.BEHIND_TAG]
        case Position.REASONING_MID | Position.RESPONSE_MID:
            tag, until = (_OPEN, _CLOSE) if config.position is Position.REASONING_MID else (_CLOSE, "")
            count = _require_count("token_count", config.token_count)
            constants = {**_inject(config), "COUNT": count, "TAG": tag, "UNTIL": until, **_watch(_CLOSE)}
            return constants, [parts.TAIL_STATE, parts.FORCE, parts.COUNTED_SINCE_TAG]
        case Position.EOT_BACKTRACK | Position.RESPONSE_END:
            section = _CLOSE if config.position is Position.RESPONSE_END else ""
            return {**_inject(config), **_watch(_CLOSE, section=section)}, [parts.TAIL_STATE, parts.BEFORE_END]
        case Position.REASONING_END:
            pairs = [(_CLOSE, _require_injection(config))]
            return {"PAIRS": pairs, "ONCE": True, **_watch(_CLOSE)}, [parts.TAIL_STATE, parts.REPLACED]
        case _:
            pairs = _require_pairs(config)
            section = {Position.REASONING_PHRASE_REPLACE: _OPEN, Position.RESPONSE_PHRASE_REPLACE: _CLOSE}
            watched = _watch(_CLOSE, *(phrase for phrase, _ in pairs), section=section.get(config.position, ""))
            return {"PAIRS": pairs, "ONCE": False, **watched}, [parts.TAIL_STATE, parts.REPLACED]


def _watch(*texts: str, section: str = "") -> dict[str, object]:
    """Return the constants of TAIL_STATE for a search of texts."""
    most = TOKENS_PER_CHARACTER * max(map(len, texts)) + SPARE_TOKENS
    return {"SECTION": section, "MOST_TOKENS": most}


def _inject(config: ModConfig) -> dict[str, object]:
    return {"INJECTION": _require_injection(config)}


def _require_injection(config: ModConfig) -> str:
    if not config.injection_string:
        raise InvalidInputError("config.injection_string: missing or empty; send the text to inject")
    return config.injection_string


def _require_count(field: str, count: int | None) -> int:
    if count is None or not 1 <= count <= MAX_COUNT:
        raise InvalidInputError(f"config.{field}: must be between 1 and {MAX_COUNT} at this position")
    return count


def _require_pairs(config: ModConfig) -> list[tuple[str, str]]:
    phrases = config.detect_phrases or []
    replacements = [*(config.replacement_phrases or []), *([None] * len(phrases))]
    pairs = [(one, replacement or one) for one, replacement in zip(phrases, replacements, strict=False) if one]
    if not pairs:
        raise InvalidInputError("config.detect_phrases: all phrases are empty; send at least one to replace")
    return pairs
