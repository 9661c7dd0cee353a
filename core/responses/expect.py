"""Check the types of fields in a response. Errors name the path of the field."""

import re
from typing import cast

from core.confidence import MAX_TOKEN_ID
from core.document.schema import MAX_TOKENS
from core.errors import InvalidInputError

Body = dict[str, object]
"""A JSON object."""


class MissingLogprobsError(InvalidInputError):
    """The format is known, but the response has no log-probabilities because the client did not request them."""

    def __init__(self, path: str, remedy: str) -> None:
        super().__init__(f"{path}: this response has no logprobs; {remedy}")


def expect_object(value: object, path: str) -> Body:
    """Return a value that must be a JSON object.

    Raises:
        InvalidInputError: it is not an object.
    """
    if not isinstance(value, dict):
        raise InvalidInputError(f"{path}: must be an object, not {describe(value)}")
    return cast("Body", value)


def expect_list(value: object, path: str) -> list[object]:
    """Return a value that must be a JSON list.

    Raises:
        InvalidInputError: it is not a list.
    """
    if not isinstance(value, list):
        raise InvalidInputError(f"{path}: must be a list, not {describe(value)}")
    return cast("list[object]", value)


def expect_tokens(value: object, path: str) -> list[object]:
    """Return a value that must be a list with one item per token.

    Raises:
        InvalidInputError: it is not a list, or is longer than `MAX_TOKENS`.
    """
    rows = expect_list(value, path)
    refuse_too_many(len(rows), path)
    return rows


def refuse_too_many(count: int, path: str) -> None:
    """Reject more than `MAX_TOKENS` tokens before any work is done on them."""
    if count > MAX_TOKENS:
        raise InvalidInputError(f"{path}: has {count} tokens; at most {MAX_TOKENS} are allowed")


def expect_first(value: object, path: str) -> Body:
    """Return the first of several answers to one prompt. The others are not scored.

    Raises:
        InvalidInputError: the value is not a list, is empty, or its first item is not an object.
    """
    items = expect_list(value, path)
    if not items:
        raise InvalidInputError(f"{path}: is empty; send at least one")
    return expect_object(items[0], f"{path}[0]")


def expect_parallel(value: object, count: int, path: str) -> list[object]:
    """Return a list with one item per token, or a list of None if the server sent null or an empty list.

    Raises:
        InvalidInputError: it is not a list, or its length differs, so that items can't be matched with tokens.
    """
    if value is None or value == []:
        return [None] * count
    items = expect_list(value, path)
    if len(items) != count:
        raise InvalidInputError(f"{path}: has {len(items)} items for {count} tokens; send one per token")
    return items


def expect_id(value: object, path: str) -> int | None:
    """Return a value that must be a token id or None.

    Raises:
        InvalidInputError: it has another type, or is outside 0…`MAX_TOKEN_ID`.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_TOKEN_ID:
        raise InvalidInputError(f"{path}: must be a token id (an integer in 0…{MAX_TOKEN_ID})")
    return value


def expect_text(value: object, path: str) -> str | None:
    """Return a value that must be a string or None.

    Raises:
        InvalidInputError: it has another type.
    """
    if value is not None and not isinstance(value, str):
        raise InvalidInputError(f"{path}: must be a string, not {describe(value)}")
    return value


def find_either(fields: Body, name: str) -> object:
    """Return a field by its camelCase name, otherwise by its snake_case name. Clients convert one to the other."""
    return fields.get(name, fields.get(re.sub("([A-Z])", r"_\1", name).lower()))


def find_text(value: object) -> str | None:
    """Return a value if it is a string."""
    return value if isinstance(value, str) else None


def find_id(value: object) -> str | None:
    """Return an id as text. Some servers number their responses."""
    return str(value) if type(value) is int else find_text(value)


def find_object(value: object) -> Body:
    """Return a value if it is an object, otherwise an empty dict. For fields that only add information."""
    return cast("Body", value) if isinstance(value, dict) else {}


def find_count(value: object) -> int | None:
    """Return a value if it is a count of tokens."""
    return value if type(value) is int and value >= 0 else None


def find_number(value: object) -> float | None:
    """Return a value if it is a number that can be a duration or a temperature."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e18
    return float(value) if is_number else None


def find_index(fields: Body) -> int:
    """Return the index of an answer among several; 0 if it has none."""
    index = fields.get("index")
    return index if type(index) is int else 0


def find_ids(value: object) -> list[int] | None:
    """Return a value if it is a list of ids. Servers send an empty list if ids were not requested."""
    ids = find_list(value)
    return cast("list[int]", ids) if ids and all(type(one) is int for one in ids) else None


def describe(value: object) -> str:
    """Name the JSON type of a value, with its article. Errors don't quote values, which can be huge or secret."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "a number"


def find_list(value: object) -> list[object]:
    """Return a value if it is a list, otherwise an empty list."""
    return cast("list[object]", value) if isinstance(value, list) else []


def list_objects(value: object) -> list[Body]:
    """Return the items of a list, with an empty object for each that is not an object."""
    return [find_object(one) for one in find_list(value)]


def find_first(value: object) -> Body:
    """Return the first item of a list if it is an object, otherwise an empty object."""
    return find_object(next(iter(find_list(value)), None))
