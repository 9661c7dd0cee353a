"""One token of a response, whatever its server calls the fields: what was chosen, and what it was chosen from."""

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
"""How vLLM writes a token under `return_tokens_as_token_ids` (its OpenAI-compatible server page)."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Names:
    """What a server calls the fields of a token. The id has several names, and may stand in the place of the text."""

    ids: tuple[str, ...]
    text: str
    logprob: str = "logprob"
    prob: str = "prob"


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The top-k list as the server gave it (null where it gave none), and where it stands."""

    value: object
    place: str
    names: Names


def read_token(chosen: dict[str, object], place: str, names: Names, alternatives: Alternatives) -> Token:
    """A chosen token with its own log-probability, which servers report even for one outside their top k.

    Raises:
        InvalidInputError: a field is of the wrong type, or nothing in it tells of a token.
        InvalidDistribution: a number is no probability.
    """
    told = any(chosen.get(key) is not None for key in (*names.ids, names.text, names.logprob, names.prob))
    if not told and not alternatives.value:
        raise InvalidInputError(f"{place}: has neither a {names.text} nor a {names.logprob}; this shape is not known")
    token, text = read_name(chosen, place, names)
    return Token(token, text, _read_own_logprob(chosen, place, names), distribution=read_alternatives(alternatives))


def read_alternatives(alternatives: Alternatives) -> Distribution | None:
    """The distribution of a list of entries; null for null or an empty list.

    Raises:
        InvalidInputError: an entry is no object, or its token or text is of the wrong type.
        InvalidDistribution: a number is no probability, or all of them together are no distribution.
    """
    if alternatives.value is None:
        return None
    place, names = alternatives.place, alternatives.names
    entries = expect_list(alternatives.value, place)
    return read_distribution([_read_entry(entry, f"{place}[{i}]", names) for i, entry in enumerate(entries)], place)


def read_name(row: dict[str, object], place: str, names: Names) -> tuple[int | None, str | None]:
    """The id and the text of a token, null where the server does not say.

    Raises:
        InvalidInputError: one is of the wrong type.
    """
    key = next((key for key in names.ids if row.get(key) is not None), names.ids[0])
    token, text = expect_id(row.get(key), f"{place}.{key}"), row.get(names.text)
    if type(text) is int:
        return expect_id(text, f"{place}.{names.text}") if token is None else token, None
    text = expect_text(text, f"{place}.{names.text}")
    if text is not None and _REPLACEMENT in text:
        return token, _spell_bytes(text, row.get("bytes"))
    return (token, text) if token is not None else split_token_id(text, f"{place}.{names.text}")


def split_token_id(text: str | None, place: str) -> tuple[int | None, str | None]:
    """The id that stands in place of a text, or the text as it is."""
    match = None if text is None else _TOKEN_ID.fullmatch(text)
    return (None, text) if match is None else (expect_id(int(match[1]), place), None)


def _spell_bytes(text: str, raw: object) -> str:
    r"""A token that is part of a character, as OpenAI spells one: `bytes:\xf0\x9f`.

    Others decode it to the replacement character, which makes different tokens look the same and lose their mass when
    the list is deduped. The bytes beside it tell them apart.
    """
    if not isinstance(raw, list) or not all(type(byte) is int and 0 <= byte < 256 for byte in raw):
        return text
    given = bytes(raw)
    if not given or given == text.encode(errors="surrogatepass"):
        return text
    return "bytes:" + "".join(f"\\x{byte:02x}" for byte in given)


def _read_entry(value: object, place: str, names: Names) -> dict[str, object]:
    """An entry in the words of `read_distribution`, its number already read under the server's own name for it."""
    row = expect_object(value, place)
    token, text = read_name(row, place, names)
    return {"token": token, "text": text, "logprob": _read_listed_logprob(row, place, names)}


def _read_listed_logprob(row: dict[str, object], place: str, names: Names) -> float:
    """The logprob; the prob where there is no logprob, or only a null one beside it."""
    if row.get(names.logprob) is None and row.get(names.prob) is not None:
        return read_prob(row[names.prob], f"{place}.{names.prob}")
    if names.logprob not in row and names.prob not in row:
        raise InvalidDistribution(place, f"an entry needs a {names.logprob}")
    return read_logprob(row.get(names.logprob), f"{place}.{names.logprob}")


def _read_own_logprob(row: dict[str, object], place: str, names: Names) -> float | None:
    """Masked or absent is unknown: a token that was chosen cannot have p = 0."""
    if row.get(names.logprob) is None and row.get(names.prob) is not None:
        logprob = read_prob(row[names.prob], f"{place}.{names.prob}")
        return None if logprob == -math.inf else logprob
    return read_chosen_logprob(row.get(names.logprob), f"{place}.{names.logprob}")
