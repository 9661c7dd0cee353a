"""GET /v1/mods: every mod, its handlers, and what they did to the text."""

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from core.statistics.mods import Mod, list_mods
from functions.web.access import KeyDep
from functions.web.application import build_app
from functions.web.context import ContextDep
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512)

router = APIRouter(tags=["mods"])


class Mods(BaseModel):
    """The answer of /v1/mods."""

    mods: list[Mod]


@router.get("/v1/mods")
async def get_mods(context: ContextDep, key: KeyDep) -> Mods:
    """How often each handler ran and failed, what it did, and what that did to the model's confidence."""
    return Mods(mods=await list_mods(context.access, key))


def web() -> FastAPI:
    """The ASGI application of this endpoint."""
    return build_app(router)
