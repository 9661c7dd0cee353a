"""Users' keys out of a document before it is stored: wherever the engine puts one, its label stands instead.

That is `request.user_api_key`; `mod@<key>` anywhere; the fields that name who did something; and, where a key is long
enough to be no word, any place at all. The rest stays as it was posted, byte for byte: the request, which always holds
the key, is a small part of a document and written anew by itself, and what follows it is only searched.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from core.errors import InvalidInputError
from core.traces.document import Request, TraceDocument
from core.traces.json_text import dump_exact, load_exact
from core.traces.parse import describe_validation, parse_json, validate_document

MAX_KEYS = 50
"""Users' keys of one document: each is a search of all of it. A trace has one, and perhaps one per mod."""
LONG_KEY = 16
"""Characters from which on a key is no word that a text may hold by chance."""

_STARTS_WITH_REQUEST = re.compile(r'\s*\{\s*"request"\s*:\s*')
_NEEDLESS_ESCAPE = re.compile(r"\\u00[2-7][0-9a-fA-F]|\\/")
"""Escapes that no JSON writer needs for a printable character: a key could hide behind them."""
_KEY_FIELDS = ("user_api_key", "created_by", "added_by")
_NAMED_KEY = re.compile(rf'"(?:{"|".join(_KEY_FIELDS)})"\s*:\s*("(?:[^"\\]|\\.)*")')
_PLAIN = re.compile(r"[A-Za-z0-9_.:+~-]*[A-DF-Za-df-z_:~][A-Za-z0-9_.:+~-]*")


@dataclass(frozen=True, slots=True)
class MaskedDocument:
    """A document without users' keys: as bytes to store, and as it is to be scored."""

    body: bytes
    document: TraceDocument


def mask_document(body: bytes, document: TraceDocument, label: Callable[[str], str]) -> MaskedDocument:
    """Put labels where the users' keys are.

    Args:
        body: a document as posted.
        document: the same, parsed.
        label: what is shown of a key.

    Raises:
        InvalidInputError: it is nested too deeply to be searched.
    """
    text = body.decode()
    labels = {key: label(key) for key in find_keys(text, document)}
    if not labels:
        return MaskedDocument(body, document)
    if len(labels) > MAX_KEYS:
        raise InvalidInputError(f"the trace names {len(labels)} users' keys; it may name {MAX_KEYS}")
    request_id = document.request.request_id
    if request_id in labels or _mask(request_id, labels) != request_id:
        raise InvalidInputError("request.request_id: an id cannot hold a user's key")
    try:
        return _mask_quickly(text, document, labels) or _reread(dump_exact(_mask(load_exact(text)[0], labels)))
    except RecursionError:
        raise InvalidInputError("the trace is nested too deeply to be searched for users' keys") from None
    except ValidationError as error:  # a name that its label makes too long
        raise InvalidInputError(describe_validation(error, "request")) from None


def find_keys(text: str, document: TraceDocument) -> list[str]:
    """The users' keys that a document names: its owner's, those that hang on mods, and those of who did something.

    The last are looked for in the text: where a name occurs twice, the parsed document has only one of them.
    """
    request = document.request
    names = {request.active_mod_name, request.mod_text, *(row.mod_name for row in document.mod_calls)}
    names.update(row.mod_name for row in document.mod_logs)
    keys = {request.user_api_key, *(_find_hung_key(name) for name in names if name)}
    keys.update(json.loads(found[1]) for found in _NAMED_KEY.finditer(text))
    # A longer key first: a shorter one may be a part of it.
    return sorted((key for key in keys if key), key=lambda key: (-len(key), key))


def _find_hung_key(name: str) -> str | None:
    """The key of `mod@<key>` or `…/mod@<key>`; null for a mod's source, which has lines."""
    key = name.partition("@")[2]  # the first sign, as strip_user_key has it: a key may be an address
    return None if "\n" in name or len(key.split()) != 1 else key.strip()


def _mask_quickly(text: str, document: TraceDocument, labels: Mapping[str, str]) -> MaskedDocument | None:
    """Where the request comes first, write it anew and only search the rest; null if that would not be safe."""
    start = _STARTS_WITH_REQUEST.match(text)
    if start is None or text.find('"request"', start.end()) >= 0:
        return None
    request, end = load_exact(text, start.end())
    rest = text[end:]
    if not all(_is_plain(key) for key in labels) or _NEEDLESS_ESCAPE.search(rest):
        return None
    masked_rest = rest
    for key, label in labels.items():
        masked_rest = _mask_json(masked_rest, key, label)
    masked = dump_exact(_mask(request, labels))
    whole = text[: start.end()] + masked + masked_rest
    if masked_rest != rest:
        return _reread(whole)
    model = Request.model_validate(parse_json(masked.encode()))
    return MaskedDocument(whole.encode(), document.model_copy(update={"request": model}))


def _reread(text: str) -> MaskedDocument:
    body = text.encode()
    return MaskedDocument(body, validate_document(parse_json(body)))


def _is_plain(key: str) -> bool:
    """Whether a key stands in JSON as it is, and only inside texts: no writer escapes it, and it is no number."""
    return _PLAIN.fullmatch(key) is not None


def _mask_json(text: str, key: str, label: str) -> str:
    """A plain key out of JSON: what `_mask_text` does to each string, done to the text of them all."""
    if key not in text:
        return text
    if len(key) >= LONG_KEY:
        return text.replace(key, label)
    named = re.sub(rf'("(?:{"|".join(_KEY_FIELDS)})"\s*:\s*"){re.escape(key)}"', lambda m: f'{m[1]}{label}"', text)
    return _mask_hung(named, key, label)


def _mask(value: object, labels: Mapping[str, str], name: str = "") -> Any:  # noqa: ANN401 - JSON
    match value:
        case str():
            for key, label in labels.items():
                value = _mask_text(value, key, label, name)
            return value
        case dict():
            return {_mask(one, labels): _mask(part, labels, one) for one, part in value.items()}
        case list():
            return [_mask(part, labels) for part in value]
        case _:
            return value


def _mask_text(text: str, key: str, label: str, name: str) -> str:
    if key not in text:
        return text
    if len(key) >= LONG_KEY or (text == key and name in _KEY_FIELDS):
        return text.replace(key, label)
    return _mask_hung(text, key, label)


def _mask_hung(text: str, key: str, label: str) -> str:
    return re.sub(rf"@{re.escape(key)}(?![\w-])", lambda _: f"@{label}", text)
