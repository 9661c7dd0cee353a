"""Timelines: the strongest features of each token. Incomplete entries are left out: the UI needs every field."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, Field
from typing_extensions import TypeIs

MAX_ACTIVATION = 1e100
"""Larger values are errors of the server, and their squares would overflow."""

Token = Annotated[int, Field(ge=0, le=2**31 - 1)]
TopK = Annotated[int, Field(ge=1, le=200)]
Layer = Annotated[int, Field(ge=0, le=255)]


class Feature(BaseModel):
    """A feature of a token."""

    id: int
    activation: float


class Entry(BaseModel):
    """A token and its features, the strongest first."""

    position: int
    token: int
    token_str: str
    top_features: list[Feature]


class Comparison(BaseModel):
    """An injected token, and the tokens before and after the injection."""

    position: int
    before: Entry | None = None
    injection: Entry
    after: Entry | None = None


def read_timeline(content: Any) -> list[dict[str, Any]] | None:  # noqa: ANN401 - JSON
    """Return the complete entries of a timeline; None if it is not a list."""
    return _read_all(content, _read_entry)


def read_comparisons(content: Any) -> list[dict[str, Any]] | None:  # noqa: ANN401 - JSON
    """Return the complete comparisons of a list; None if it is not a list."""
    return _read_all(content, _read_comparison)


def read_described(content: Any) -> list[dict[str, Any]] | None:  # noqa: ANN401 - JSON
    """Return the complete features of a list, with their descriptions; None if it is not a list."""
    return _read_all(content, _read_described)


def _read_all(content: Any, read: Callable[[Any], dict[str, Any] | None]) -> list[dict[str, Any]] | None:  # noqa: ANN401
    return [found for one in content if (found := read(one)) is not None] if isinstance(content, list) else None


def _read_entry(content: Any) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
    match content:
        case {"position": position, "token": token, "token_str": str(text), "top_features": list(features)} if (
            _is_index(position) and _is_integer(token)
        ):
            complete = [feature for one in features if (feature := _read_feature(one)) is not None]
            complete.sort(key=lambda feature: -feature["activation"])
            return {"position": position, "token": token, "token_str": text, "top_features": complete}
        case _:
            return None


def _read_feature(content: Any) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
    match content:
        case {"id": number, "activation": activation} if _is_index(number) and _is_number(activation):
            return {"id": number, "activation": activation}
        case _:
            return None


def _read_described(content: Any) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
    feature = _read_feature(content)
    if feature is None or not isinstance(content.get("description"), str):
        return None
    return {**feature, "description": content["description"]}


def _read_comparison(content: Any) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
    if not isinstance(content, dict) or not _is_index(content.get("position")):
        return None
    entries = {name: _read_entry(content.get(name)) for name in ("before", "injection", "after")}
    if entries["injection"] is None:
        return None
    return {"position": content["position"], **{name: entry for name, entry in entries.items() if entry is not None}}


def _is_index(value: object) -> bool:
    return _is_integer(value) and value >= 0


def _is_integer(value: object) -> TypeIs[int]:
    return type(value) is int and -(2**63) <= value < 2**63


def _is_number(value: object) -> bool:
    return _is_integer(value) or (isinstance(value, float) and abs(value) <= MAX_ACTIVATION)
