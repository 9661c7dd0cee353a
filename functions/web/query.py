"""Query parameters that several endpoints share."""

from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, WithJsonSchema

from core.answers.votes import MAX_PATTERN_CHARS
from core.feed.filters import Sort
from core.traces.filters import Filters, clean_query
from core.wire.json_text import to_column_text
from core.wire.page import DEFAULT_LIMIT, Limit, Offset
from core.wire.timestamp import parse_timestamp

MAX_TEXT_LENGTH = 1000

Model = TypeVar("Model", bound=BaseModel)


RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""The id of a row, in a path or a body."""


def _parse_moment(value: object) -> object:
    if not isinstance(value, str):  # in a body
        return None if value is None else parse_timestamp(value)
    try:
        return parse_timestamp(float(value))
    except ValueError:
        pass
    # An unescaped plus sign arrives as a space.
    return parse_timestamp(value.replace(" ", "+") if value[10:11] in "Tt" else value)


def _refuse_unstorable(value: object) -> object:
    if isinstance(value, str) and to_column_text(value) != value:
        raise ValueError("can't contain U+0000; remove it")
    return value


TimeParam = Annotated[
    datetime | None,
    BeforeValidator(_parse_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
    Query(description="RFC 3339, or seconds since the epoch"),
]
TextParam = Annotated[str | None, Query(max_length=MAX_TEXT_LENGTH), BeforeValidator(_refuse_unstorable)]
ConfidenceParam = Annotated[float | None, Query(ge=0, le=1)]
BelowParam = Annotated[float, Query(gt=0, le=1, description="limit of the probability of a token")]
PatternParam = Annotated[
    str | None,
    Query(max_length=MAX_PATTERN_CHARS, description="regular expression; its first group is compared"),
    BeforeValidator(_refuse_unstorable),
]


class FilterQuery(BaseModel):
    """The filters of the feed. Reading them as one model takes a tenth of the time of separate parameters."""

    model: TextParam = None
    mod: TextParam = None
    tag: TextParam = None
    favorited_by: TextParam = None
    created_from: TimeParam = None
    created_to: TimeParam = None
    min_confidence: ConfidenceParam = None
    max_confidence: ConfidenceParam = None
    has_exception: bool | None = None
    source: TextParam = None
    group_id: TextParam = None
    q: TextParam = None

    def read(self) -> Filters:
        """Convert the query to filters. An empty text is no filter."""
        given = {name: value for name in FilterQuery.model_fields if (value := getattr(self, name)) != ""}
        return Filters(**given | {"q": clean_query(self.q)})


class PeriodQuery(FilterQuery):
    """The filters of a statistic: those of the feed, with the period as `from` (inclusive) and `to` (exclusive)."""

    created_from: TimeParam = Field(default=None, alias="from")
    created_to: TimeParam = Field(default=None, alias="to")


class FacetQuery(FilterQuery):
    """The filters of the facets: all filters of the feed."""

    api_key: TextParam = None
    collection_id: RowId | None = None


class FeedQuery(FilterQuery):
    """The query of the feed. `limit` is clamped to 1…100; `api_key` selects one user; `total` counts all."""

    limit: Limit = DEFAULT_LIMIT
    offset: Offset = 0
    api_key: TextParam = None
    collection_id: RowId | None = None
    sort: Sort = Sort.CREATED
    cursor: TextParam = None
    total: bool = False


def read_query(request: Request, model: type[Model]) -> Model:
    """Read the query of a request as one model. The last value of a repeated parameter counts.

    Raises:
        RequestValidationError: the query does not match the model.
    """
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in error.errors()]) from None


def describe_query(model: type[BaseModel]) -> dict[str, Any]:
    """Describe a query that the handler reads itself, for the OpenAPI document."""
    schema = model.model_json_schema()
    known = {f"#/$defs/{name}": definition for name, definition in schema.get("$defs", {}).items()}
    return {"parameters": [_describe_parameter(name, one, known) for name, one in schema["properties"].items()]}


def _describe_parameter(name: str, schema: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    schema = {**known.get(schema.pop("$ref", ""), {}), **schema}
    about = {key: schema.pop(key) for key in ("description",) if key in schema}
    return {"name": name, "in": "query", "required": False, "schema": schema, **about}


async def read_filters(query: Annotated[FilterQuery, Query()]) -> Filters:
    """Read the filters of the feed."""
    return query.read()


FiltersDep = Annotated[Filters, Depends(read_filters)]


async def read_period(query: Annotated[PeriodQuery, Query()]) -> Filters:
    """Read the filters of a statistic."""
    return query.read()


PeriodDep = Annotated[Filters, Depends(read_period)]
