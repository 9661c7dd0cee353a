"""/playground/…: keys, mods, inference and features for the playground of the UI. docs/PLAYGROUND.md describes it."""

from typing import Any

from fastapi import APIRouter, Request, Response

from core.playground.features import (
    Analysis,
    Analyzed,
    Extracted,
    Extraction,
    analyze_features,
    extract_features,
    read_analysis,
)
from core.playground.inference import Inference, InferenceRequest, run_inference
from core.playground.keys import NewPlaygroundKey, PlaygroundKey, create_playground_key
from core.playground.mods import GeneratedMod, ModUpload, NewMod, UploadedMod, generate_mod, upload_mod
from core.wire.json_text import dump_json
from functions.web.access import KeyDep
from functions.web.body import JSON, receive_body
from functions.web.context import ContextDep
from functions.web.keyed_body import KeyedBodyRoute, KeylessBodyRoute
from functions.web.scaling import Scaling
from functions.web.small_body import MediumBodyRoute

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512, timeout_s=180)
"""The timeout is longer than the time limit of model servers."""

UPSTREAM: dict[int | str, dict[str, Any]] = {
    502: {"description": "the server can't be reached, or its answer is not usable"},
    504: {"description": "the server did not answer in time"},
}
ANALYSIS = {"requestBody": {"required": True, "content": {JSON: {"schema": Analysis.model_json_schema()}}}}

public = APIRouter(tags=["playground"], prefix="/playground", route_class=MediumBodyRoute)
keyless = APIRouter(tags=["playground"], prefix="/playground", route_class=KeylessBodyRoute)
keyed = APIRouter(tags=["playground"], prefix="/playground", route_class=KeyedBodyRoute)


@public.post("/api-key")
async def post_key(context: ContextDep, new: NewPlaygroundKey) -> PlaygroundKey:
    """Create a key that sees exactly the requests whose user API key it is. Needs PLAYGROUND_KEYLESS."""
    return await create_playground_key(context.access, new)


@keyless.post("/mods/generate")
async def post_generation(context: ContextDep, key: KeyDep, new: NewMod) -> GeneratedMod:
    """Write the source of a mod from a form."""
    return await generate_mod(context.access, key, new)


@keyed.post("/mods/upload", responses=UPSTREAM)
async def post_upload(context: ContextDep, key: KeyDep, upload: ModUpload) -> UploadedMod:
    """Upload a generated mod to the server of a model."""
    return await upload_mod(context.access, context.upstreams, context.settings, key, upload)


@keyed.post("/inference", responses=UPSTREAM)
async def post_inference(context: ContextDep, key: KeyDep, chat: InferenceRequest) -> Inference:
    """Run a chat on the server of a model. The server posts the trace itself, under the caller's key."""
    return await run_inference(context.access, context.upstreams, context.settings, key, chat)


@keyed.post("/features/extract", response_model=Extracted, responses=UPSTREAM)
async def post_extraction(context: ContextDep, key: KeyDep, extraction: Extraction) -> Response:
    """Extract the features of a log's tokens."""
    found = await extract_features(context.access, context.upstreams, context.settings, key, extraction)
    return Response(dump_json(found), media_type=JSON)


@public.post("/features/analyze", response_model=Analyzed, responses=UPSTREAM, openapi_extra=ANALYSIS)
async def post_analysis(request: Request, context: ContextDep, key: KeyDep) -> Response:
    """Let a model analyze extracted features. At most five times a minute per key."""
    await context.access.authenticate(key)
    async with receive_body(request, context) as body:
        asked = await body.work(read_analysis)
    found = await analyze_features(context.access, context.upstreams, context.settings, key, asked)
    return Response(dump_json(found), media_type=JSON)


router = APIRouter()
for part in (public, keyless, keyed):
    router.routes.extend(part.routes)
