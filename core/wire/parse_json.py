"""Parse JSON bodies, and describe errors of bodies that are not JSON."""

import codecs
import json
import re
from typing import Never

import msgspec
import orjson

from core.errors import InvalidInputError

MAX_LENIENT_BYTES = 8 * 1024 * 1024
"""A longer body must not contain lone surrogates in fields that are read, or numbers beyond a double."""
_EVENT = re.compile(rb"\s*(?:(?:id|retry)?:[^\r\n]*[\r\n]\s*)*(?:data|event):")
"""The start of a stream of Server-Sent Events, up to its first event. Comments and other fields may come before it."""
_START_BYTES = 4096


def strip_mark(body: bytes) -> bytes:
    """Remove a byte order mark, which some programs write before JSON (RFC 8259, section 8.1)."""
    return body.removeprefix(codecs.BOM_UTF8)


def parse_json(body: bytes) -> object:
    """Parse JSON as RFC 8259 defines it: without NaN and Infinity, with lone surrogates and numbers beyond a double.

    orjson is several times faster than the standard library but refuses lone surrogates and numbers beyond a double;
    the standard library then parses the body. A large body is parsed by msgspec alone, because orjson reserves twelve
    times its size in memory, and the standard library needs ten times.

    Raises:
        InvalidInputError: the body is not JSON.
    """
    body = strip_mark(body)
    if len(body) > MAX_LENIENT_BYTES:
        return _parse_large_json(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_json_slowly(body)


def parse_posted(body: bytes) -> object:
    """Parse the JSON of a response or trace, which clients also post as a stream with the wrong Content-Type.

    Raises:
        InvalidInputError: the body is not JSON.
    """
    try:
        return parse_json(body)
    except InvalidInputError:
        if _EVENT.match(strip_mark(body), 0, _START_BYTES):
            raise InvalidInputError(
                "body: a stream of events, not JSON; post it to /v1/ingest with Content-Type: text/event-stream"
            ) from None
        raise


def _parse_large_json(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"body: not strict JSON: {error}; a body over 8 MiB must be strict JSON") from None
    except RecursionError:
        raise InvalidInputError("body: nested too deeply; nest it less deeply") from None


def _parse_json_slowly(body: bytes) -> object:
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"body: not UTF-8 (byte {error.start}); send UTF-8") from None
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"body: not JSON: {error.msg} (character {error.pos}); send valid JSON") from None
    except RecursionError:
        raise InvalidInputError("body: nested too deeply; nest it less deeply") from None
    except ValueError as error:  # an integer of more digits than Python converts
        raise InvalidInputError(f"body: not usable JSON: {error}; send valid JSON") from None


def _refuse_constant(name: str) -> Never:
    raise InvalidInputError(f"body: not JSON: {name} is not a JSON number; send null")
