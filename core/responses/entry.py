"""Read one token of a response and its top-k list, with the field names of any server."""

import math
import re
from dataclasses import dataclass

from core.confidence import (
    Distribution,
    InvalidDistribution,
    Token,
    read_chosen_logprob,
    read_distribution,
    read_logprob,
    read_prob,
)
from core.errors import InvalidInputError
from core.responses.expect import expect_id, expect_list, expect_object, expect_text

_TOKEN_ID = re.compile(r"token_id:([0-9]{1,10})", re.ASCII)
"""Format of a token in vLLM with `return_tokens_as_token_ids` (see its page on the OpenAI-compatible server)."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Names:
    """A server's names for the fields of a token. The id can have several names, or be in the text field."""

    ids: tuple[str, ...]
    text: str
    logprob: str = "logprob"
    prob: str = "prob"


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The top-k list as received (None if the entry has no list), its path, and the names of its fields."""

    value: object
    path: str
    names: Names


def read_token(chosen: dict[str, object], path: str, names: Names, alternatives: Alternatives) -> Token:
    """Read a chosen token with its own log-probability, which servers report even for tokens outside the top k.

    Raises:
        InvalidInputError: a field has the wrong type, or no field identifies a token.
        InvalidDistribution: a number is not a probability.
    """
    is_named = any(chosen.get(key) is not None for key in (*names.ids, names.text, names.logprob, names.prob))
    if not is_named and not alternatives.value:
        raise InvalidInputError(f"{path}: has neither a {names.text} nor a {names.logprob}; send both")
    token, text = read_name(chosen, path, names)
    return Token(token, text, _read_own_logprob(chosen, path, names), distribution=read_alternatives(alternatives))


def read_alternatives(alternatives: Alternatives) -> Distribution | None:
    """Read the distribution of a list of entries. Return None if the list is None or empty.

    Raises:
        InvalidInputError: an entry is not an object, or its token or text has the wrong type.
        InvalidDistribution: a number is not a probability, or the list is not a distribution.
    """
    if alternatives.value is None:
        return None
    path, names = alternatives.path, alternatives.names
    entries = expect_list(alternatives.value, path)
    return read_distribution([_read_entry(entry, f"{path}[{i}]", names) for i, entry in enumerate(entries)], path)


def read_name(row: dict[str, object], path: str, names: Names) -> tuple[int | None, str | None]:
    """Read the id and the text of a token, each None if the server doesn't send it.

    Raises:
        InvalidInputError: one of them has the wrong type.
    """
    key = next((key for key in names.ids if row.get(key) is not None), names.ids[0])
    token, text = expect_id(row.get(key), f"{path}.{key}"), row.get(names.text)
    if type(text) is int:
        return expect_id(text, f"{path}.{names.text}") if token is None else token, None
    text = expect_text(text, f"{path}.{names.text}")
    if text is not None and _REPLACEMENT in text:
        return token, _spell_bytes(text, row.get("bytes"))
    return (token, text) if token is not None else split_token_id(text, f"{path}.{names.text}")


def split_token_id(text: str | None, path: str) -> tuple[int | None, str | None]:
    """Split an id written as text (`token_id:42`) into (id, None), and any other text into (None, text)."""
    match = None if text is None else _TOKEN_ID.fullmatch(text)
    return (None, text) if match is None else (expect_id(int(match[1]), path), None)


def _spell_bytes(text: str, raw: object) -> str:
    r"""Format a token that is part of a character as OpenAI does: `bytes:\xf0\x9f`.

    Other servers decode it to the replacement character. Different tokens then look the same and would be merged when
    the list is deduplicated. Their bytes distinguish them.
    """
    if not isinstance(raw, list) or not all(type(byte) is int and 0 <= byte < 256 for byte in raw):
        return text
    given = bytes(raw)
    if not given or given == text.encode(errors="surrogatepass"):
        return text
    return "bytes:" + "".join(f"\\x{byte:02x}" for byte in given)


def _read_entry(value: object, path: str, names: Names) -> dict[str, object]:
    """Convert an entry to the keys of `read_distribution`.

    Its number is read here, so that errors name the server's key.
    """
    row = expect_object(value, path)
    token, text = read_name(row, path, names)
    return {"token": token, "text": text, "logprob": _read_listed_logprob(row, path, names)}


def _read_listed_logprob(row: dict[str, object], path: str, names: Names) -> float:
    """Return the log-probability of an entry; use the prob if the logprob is absent or null."""
    if row.get(names.logprob) is None and row.get(names.prob) is not None:
        return read_prob(row[names.prob], f"{path}.{names.prob}")
    if names.logprob not in row and names.prob not in row:
        raise InvalidDistribution(path, f"must have a {names.logprob}")
    return read_logprob(row.get(names.logprob), f"{path}.{names.logprob}")


def _read_own_logprob(row: dict[str, object], path: str, names: Names) -> float | None:
    """Return the chosen token's log-probability. Masked means unknown: a chosen token can't have p = 0."""
    if row.get(names.logprob) is None and row.get(names.prob) is not None:
        logprob = read_prob(row[names.prob], f"{path}.{names.prob}")
        return None if logprob == -math.inf else logprob
    return read_chosen_logprob(row.get(names.logprob), f"{path}.{names.logprob}")
