"""Extract the features of a log's tokens on the SAE server, and let it analyze them."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from core.access.access import Access
from core.access.limits import CallLimit
from core.errors import InvalidInputError
from core.playground.keys import admit_call
from core.settings import Settings
from core.upstream.deadline import Deadline
from core.upstream.errors import BadResponseError
from core.upstream.server import Server, find_sae_server
from core.upstream.timeline import (
    Comparison,
    Entry,
    Feature,
    Layer,
    Token,
    TopK,
    read_comparisons,
    read_described,
    read_timeline,
)
from core.wire.models import Body
from core.wire.parse_json import parse_json
from core.wire.validation import describe_validation

if TYPE_CHECKING:
    from core.upstream.client import Upstreams

TIMEOUT_S = 120
EXTRACT_LIMIT = CallLimit("extract")
ANALYZE_LIMIT = CallLimit("analyze", per_key=5, per_address=30)
"""Each analysis costs the operator a call of a paid model."""
MAX_TOKENS = 4096
MAX_CONTEXT_CHARACTERS = 20_000
MAX_ANALYSIS_BYTES = 8 * 1024 * 1024
"""Size limit of an analysis. The paid model reads it, and no extracted timeline is longer."""

Positions = Annotated[list[Token], Field(max_length=MAX_TOKENS)]


class Extraction(Body):
    """Tokens of a log.

    Attributes:
        model: the model, the only one with an autoencoder.
        tokens: token ids.
        top_k: features per token; by default 20.
        layer: the layer of the autoencoder; by default 16.
        injection_positions: positions of injected tokens, to be compared with their neighbors.
    """

    model: Literal["llama-3.1-8b"]
    tokens: Annotated[list[Token], Field(min_length=1, max_length=MAX_TOKENS)]
    top_k: TopK | None = None
    layer: Layer | None = None
    injection_positions: Positions | None = None


class Analysis(Body):
    """An extracted timeline to be analyzed. `context` describes the request."""

    model: Literal["llama-3.1-8b"]
    feature_timeline: Annotated[list[dict[str, Any]], Field(max_length=MAX_TOKENS)]
    injection_positions: Positions | None = None
    context: Annotated[str, Field(max_length=MAX_CONTEXT_CHARACTERS)] | None = None
    layer: Layer | None = None


class Extracted(BaseModel):
    """The features of each token, and comparisons of injected tokens."""

    feature_timeline: list[Entry]
    comparisons: list[Comparison] | None = None


class DescribedFeature(Feature):
    """A feature and its description."""

    description: str


class Analyzed(BaseModel):
    """The analysis of the features by a model."""

    analysis: str
    top_features: list[DescribedFeature]


async def extract_features(
    access: Access, upstreams: "Upstreams", settings: Settings, key: str | None, extraction: Extraction
) -> dict[str, Any]:
    """Extract features; return the fields of `Extracted`.

    Raises:
        ForbiddenError: the key can't be used in the playground.
        TooManyCallsError: the key or its address has used up its calls.
        UpstreamError: the setting is missing, or the server does not answer.
    """
    deadline = Deadline()
    server = find_sae_server(settings)
    await admit_call(access, key, server, EXTRACT_LIMIT)
    asked = extraction.model_dump(exclude={"model"}, exclude_none=True)
    answer = await upstreams.post(server, "/extract_features", asked, timeout_s=deadline.limit(TIMEOUT_S))
    return await asyncio.to_thread(_read_extracted, server, answer)


async def analyze_features(
    access: Access, upstreams: "Upstreams", settings: Settings, key: str | None, asked: dict[str, Any]
) -> dict[str, Any]:
    """Analyze features that `read_analysis` returned; return the fields of `Analyzed`.

    Raises:
        ForbiddenError: the key can't be used in the playground.
        TooManyCallsError: the key or its address has used up its calls.
        UpstreamError: the setting is missing, or the server does not answer.
    """
    deadline = Deadline()
    server = find_sae_server(settings)
    await admit_call(access, key, server, ANALYZE_LIMIT)
    answer = await upstreams.post(server, "/analyze_features", asked, timeout_s=deadline.limit(TIMEOUT_S))
    analysis, features = answer.get("analysis"), read_described(answer.get("top_features"))
    if not isinstance(analysis, str) or features is None:
        raise BadResponseError(f"{server.name}: its answer has no analysis; check the server")
    return {"analysis": analysis, "top_features": features}


def read_analysis(body: bytes) -> dict[str, Any]:
    """Convert the body of an analysis to the body for the server. CPU-bound.

    Raises:
        InvalidInputError: a field is missing or invalid, or the body is too long.
    """
    if len(body) > MAX_ANALYSIS_BYTES:
        raise InvalidInputError(f"feature_timeline: at most {MAX_ANALYSIS_BYTES} bytes are allowed; send fewer tokens")
    try:
        analysis = Analysis.model_validate(parse_json(body))
    except ValidationError as error:
        raise InvalidInputError(describe_validation(error)) from None
    timeline = read_timeline(analysis.feature_timeline)
    if not timeline:
        raise InvalidInputError(
            "feature_timeline: has no complete entry; send the one from /playground/features/extract"
        )
    asked = analysis.model_dump(exclude={"model", "feature_timeline"}, exclude_none=True)
    return {"feature_timeline": timeline, **asked}


def _read_extracted(server: Server, answer: dict[str, Any]) -> dict[str, Any]:
    timeline = read_timeline(answer.get("feature_timeline"))
    if timeline is None:
        raise BadResponseError(f"{server.name}: its answer has no timeline; check the server")
    found = {"feature_timeline": timeline, "comparisons": read_comparisons(answer.get("comparisons"))}
    return {name: entries for name, entries in found.items() if entries is not None}
