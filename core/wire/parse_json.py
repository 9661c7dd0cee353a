"""Parse JSON bodies, and name what is wrong with one that is not JSON."""

import json
from typing import Never

import msgspec
import orjson

from core.errors import InvalidInputError

MAX_LENIENT_BYTES = 8 * 1024 * 1024
"""A longer body may hold no lone surrogate where text is read, and no number beyond a double."""


def parse_json(body: bytes) -> object:
    """Parse JSON as RFC 8259 defines it: without NaN and Infinity, with lone surrogates and numbers beyond a double.

    orjson is several times faster than the standard library but refuses the last two, which the standard library then
    reads. Large bodies are read by msgspec alone: orjson reserves twelve times their size, and the standard library
    needs ten times.

    Raises:
        InvalidInputError: the body is not JSON.
    """
    if len(body) > MAX_LENIENT_BYTES:
        return _parse_large_json(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_json_slowly(body)


def _parse_large_json(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"the body is not JSON, as strictly as bodies over 8 MiB are read: {error}") from None
    except RecursionError:
        raise InvalidInputError("the body is nested too deeply") from None


def _parse_json_slowly(body: bytes) -> object:
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the body is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"the body is not JSON: {error.msg} (character {error.pos})") from None
    except RecursionError:
        raise InvalidInputError("the body is nested too deeply") from None
    except ValueError as error:  # an integer of more digits than Python converts
        raise InvalidInputError(f"the body is not usable JSON: {error}") from None


def _refuse_constant(name: str) -> Never:
    raise InvalidInputError(f"the body is not JSON: {name} is not a JSON number")
