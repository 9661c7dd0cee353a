"""/health and /healthz check the database; /livez checks the process."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from core.database.health import HealthReport, check_health
from functions.web.context import ContextDep
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=100, target_inputs=80, memory_mb=256)

router = APIRouter(tags=["health"])


@router.get("/health", responses={503: {"model": HealthReport}})
@router.get("/healthz", responses={503: {"model": HealthReport}}, include_in_schema=False)
@router.head("/health", include_in_schema=False)
@router.head("/healthz", include_in_schema=False)
async def health(request: Request, context: ContextDep, response: Response) -> HealthReport:
    """Check that the database answers and has the schema of this version. Answers within three seconds."""
    access, settings = context.access, context.settings
    report = await check_health(
        access.open_pool,
        app=settings.thunder_app_name,
        version=request.app.version,
        commit=settings.thunder_commit,
        deployment=settings.thunder_deployment,
        warnings=access.warnings,
        find_warnings=access.find_warnings,
    )
    response.status_code = 200 if report.status == "ok" else 503
    return report


@router.get("/livez")
@router.head("/livez", include_in_schema=False)
async def livez() -> dict[str, Any]:
    """Check that the process answers, without using the database."""
    await asyncio.sleep(0)
    return {"status": "ok"}
