"""What a place in a response must hold; anything else is refused under the name of that place."""

import re
from typing import cast

from core.confidence import MAX_TOKEN_ID
from core.errors import InvalidInputError

MAX_TOKENS = 200_000
"""Tokens of one response: more than any model writes in one, so more is a mistake or an attack."""


class MissingLogprobsError(InvalidInputError):
    """The response is one we know, but its sender did not ask the server for log-probabilities."""

    def __init__(self, place: str, remedy: str) -> None:
        super().__init__(f"{place}: this response carries no logprobs; {remedy}")


def expect_object(value: object, place: str) -> dict[str, object]:
    """The JSON object at a place.

    Raises:
        InvalidInputError: it is anything else.
    """
    if not isinstance(value, dict):
        raise InvalidInputError(f"{place}: must be an object, not {describe(value)}")
    return cast("dict[str, object]", value)


def expect_list(value: object, place: str) -> list[object]:
    """The JSON list at a place.

    Raises:
        InvalidInputError: it is anything else.
    """
    if not isinstance(value, list):
        raise InvalidInputError(f"{place}: must be a list, not {describe(value)}")
    return cast("list[object]", value)


def expect_tokens(value: object, place: str) -> list[object]:
    """The list that has one item per token.

    Raises:
        InvalidInputError: it is no list, or longer than `MAX_TOKENS`.
    """
    rows = expect_list(value, place)
    refuse_too_many(len(rows), place)
    return rows


def refuse_too_many(count: int, place: str) -> None:
    """Refuses more than `MAX_TOKENS` before any work is done on them."""
    if count > MAX_TOKENS:
        raise InvalidInputError(f"{place}: {count} tokens are too many (at most {MAX_TOKENS})")


def expect_first(value: object, place: str) -> dict[str, object]:
    """The first of several answers to one prompt; the others are not scored.

    Raises:
        InvalidInputError: there is no list, nothing in it, or its first item is no object.
    """
    items = expect_list(value, place)
    if not items:
        raise InvalidInputError(f"{place}: is empty, so there is nothing to score")
    return expect_object(items[0], f"{place}[0]")


def expect_parallel(value: object, count: int, place: str) -> list[object]:
    """A list beside the tokens, one item each; nulls where the server left it out, for null or empty says so too.

    Raises:
        InvalidInputError: it is no list, or of another length: which item belongs to which token would be a guess.
    """
    if value is None or value == []:
        return [None] * count
    items = expect_list(value, place)
    if len(items) != count:
        raise InvalidInputError(f"{place}: has {len(items)} items for {count} tokens")
    return items


def expect_id(value: object, place: str) -> int | None:
    """A token id, or null.

    Raises:
        InvalidInputError: it is anything else, or outside 0…`MAX_TOKEN_ID`.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_TOKEN_ID:
        raise InvalidInputError(f"{place}: must be a token id (an integer in 0…{MAX_TOKEN_ID})")
    return value


def expect_text(value: object, place: str) -> str | None:
    """A text, or null.

    Raises:
        InvalidInputError: it is anything else.
    """
    if value is not None and not isinstance(value, str):
        raise InvalidInputError(f"{place}: must be a text, not {describe(value)}")
    return value


def find_either(fields: dict[str, object], name: str) -> object:
    """A field by its camelCase name, or else by its snake_case one; clients write one where servers send the other."""
    return fields.get(name, fields.get(re.sub("([A-Z])", r"_\1", name).lower()))


def find_text(value: object) -> str | None:
    """A text, where it is one."""
    return value if isinstance(value, str) else None


def find_object(value: object) -> dict[str, object]:
    """An object; an empty one for anything else, where it only tells more of what was read elsewhere."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def find_count(value: object) -> int | None:
    """A number of tokens, where it is one."""
    return value if type(value) is int and value >= 0 else None


def find_ids(value: object) -> list[int] | None:
    """Ids of tokens, where they are some; servers that were not asked for any send an empty list."""
    ids = cast("list[object]", value) if isinstance(value, list) else []
    return cast("list[int]", ids) if ids and all(type(one) is int for one in ids) else None


def describe(value: object) -> str:
    """The JSON type of a value, with its article: values themselves may be huge, or secret."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "a boolean"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "a number"
