"""/playground/activations/…: runs with the features of an autoencoder, for the activations page of the UI."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from core.activations.extract import Extracted, extract_timeline
from core.activations.features import Pick
from core.activations.health import ActivationsHealth, read_health
from core.activations.models import Deltas, FeaturesByConfidence, Ran, Rows, Runs, TopFeatures
from core.activations.read import RunQuery, Status, list_runs, read_stored_answer, read_summary
from core.activations.render import render_by_confidence, render_deltas, render_rows, render_top_features
from core.activations.requests import Extraction, Run
from core.activations.run import run_prompt
from core.activations.store import Summary
from core.wire.json_text import dump_json
from functions.web.access import KeyDep
from functions.web.body import JSON
from functions.web.context import ContextDep
from functions.web.document import work_on_document
from functions.web.keyed_body import KeylessBodyRoute
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512, timeout_s=180)
"""A run takes up to 150 s."""

UPSTREAM: dict[int | str, dict[str, Any]] = {
    502: {"description": "the HF server can't be reached, or its answer is not usable"},
    504: {"description": "the HF server did not answer in time"},
}
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"description": "the request_id belongs to another run"}}
Whole = Annotated[int | None, Query(ge=0, le=2**63 - 1)]
LayerParam = Annotated[str | None, Query(alias="sae_layer", description="ignored")]

router = APIRouter(tags=["activations"], prefix="/playground/activations", route_class=KeylessBodyRoute)


@router.post("/run", response_model=Ran, responses={**CONFLICT, **UPSTREAM})
async def post_run(context: ContextDep, key: KeyDep, run: Run) -> Response:
    """Run a prompt on the HF server, and store the run with the features of each token."""
    ran = await run_prompt(context.access, context.upstreams, context.settings, key, run)
    return Response(dump_json(ran), media_type=JSON)


@router.get("/runs")
async def get_runs(  # noqa: PLR0913 - query parameters
    context: ContextDep,
    key: KeyDep,
    *,
    limit: int = 50,
    cursor: str | None = None,
    status: Status | None = None,
    model_id: str | None = None,
    sae_enabled: bool | None = None,
) -> Runs:
    """List the runs that the caller sees, newest first, without prompts and outputs."""
    query = RunQuery(status, model_id, sae_enabled, limit, cursor)
    return await list_runs(context.access, key, query)


@router.get("/health")
async def get_health(context: ContextDep, key: KeyDep) -> ActivationsHealth:
    """Report whether runs can be made and read. Always 200; each process checks at most every 30 s."""
    return await read_health(context.access, context.upstreams, context.activation_probes, context.settings, key)


@router.post("/extract", response_model=Extracted, responses=UPSTREAM)
async def post_extraction(context: ContextDep, key: KeyDep, extraction: Extraction) -> Response:
    """Extract the features of a token sequence. Nothing is stored."""
    found = await extract_timeline(context.access, context.upstreams, context.settings, key, extraction)
    return Response(dump_json(found), media_type=JSON)


@router.get("/{request_id}/summary")
async def get_summary(context: ContextDep, key: KeyDep, request_id: str) -> Summary:
    """Return a run without its texts and features."""
    return await read_summary(context.access, key, request_id=request_id)


@router.get("/{request_id}/rows", response_model=Rows)
async def get_rows(  # noqa: PLR0913 - query parameters
    request: Request,
    context: ContextDep,
    key: KeyDep,
    request_id: str,
    *,
    feature_id: Whole = None,
    token_start: Whole = None,
    token_end: Whole = None,
    rank_max: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    limit: int = 500,
    _layer: LayerParam = None,
) -> Response:
    """Return the features of the tokens of a run, by position, then rank. A failed run has none."""
    stored = await read_stored_answer(context.access, key, request_id=request_id)
    pick = Pick(feature_id, token_start, token_end, rank_max)
    body = await work_on_document(request, context, render_rows, stored.frame, request_id, pick, limit)
    return Response(body, media_type=JSON)


@router.get("/{request_id}/top-features", response_model=TopFeatures)
async def get_top_features(
    request: Request,
    context: ContextDep,
    key: KeyDep,
    request_id: str,
    *,
    n: int = 50,
    _layer: LayerParam = None,
) -> Response:
    """Return the features of a run by their highest activation. A failed run has none."""
    stored = await read_stored_answer(context.access, key, request_id=request_id)
    body = await work_on_document(request, context, render_top_features, stored.frame, request_id, n)
    return Response(body, media_type=JSON)


@router.get("/{request_id}/feature-deltas", response_model=Deltas)
async def get_deltas(  # noqa: PLR0913 - query parameters
    request: Request,
    context: ContextDep,
    key: KeyDep,
    request_id: str,
    *,
    feature_id: Annotated[int, Query(ge=0, le=2**63 - 1)],
    limit: int = 500,
    _layer: LayerParam = None,
) -> Response:
    """Return the activation of one feature along the tokens, with the change since its previous position."""
    stored = await read_stored_answer(context.access, key, request_id=request_id)
    body = await work_on_document(request, context, render_deltas, stored.frame, request_id, feature_id, limit)
    return Response(body, media_type=JSON)


@router.get("/{request_id}/features-by-confidence", response_model=FeaturesByConfidence)
async def get_doubtful_features(  # noqa: PLR0913 - query parameters
    request: Request,
    context: ContextDep,
    key: KeyDep,
    request_id: str,
    *,
    n: int = 50,
    min_hits: Annotated[int, Query(ge=1, le=2**31 - 1)] = 2,
) -> Response:
    """Return the features that are active where the model was unsure about the next token, by correlation."""
    stored = await read_stored_answer(context.access, key, request_id=request_id)
    trace_id, entropies = stored.trace_request_id, stored.place_entropies()
    body = await work_on_document(
        request, context, render_by_confidence, stored.frame, request_id, trace_id, entropies, n, min_hits
    )
    return Response(body, media_type=JSON)
