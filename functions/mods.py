"""GET /v1/mods: statistics of every mod and its handlers."""

from fastapi import APIRouter
from pydantic import BaseModel

from core.statistics.mods import Mod, list_mods
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512)

router = APIRouter(tags=["mods"])


class Mods(BaseModel):
    """Statistics of every mod."""

    mods: list[Mod]


@router.get("/v1/mods")
async def get_mods(context: ContextDep, key: KeyDep) -> Mods:
    """List every mod with the calls, exceptions, timings, actions and effect on confidence of each handler."""
    return Mods(mods=await list_mods(context.access, key))
