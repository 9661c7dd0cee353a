"""GET /metrics: the metrics of this process in Prometheus' text format."""

import contextlib
import hmac
import time
from datetime import datetime

from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from core.access.caller import Scope
from core.database.health import ask_in_time, read_newest
from core.errors import ThunderError
from core.statistics.recent import measure_models
from core.statistics.store import ModelRow
from functions.web.access import KeyDep
from functions.web.application import build_app
from functions.web.context import Context, ContextDep
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=20, target_inputs=10, memory_mb=256)

router = APIRouter(tags=["metrics"])


@router.get("/metrics", response_class=Response)
async def get_metrics(context: ContextDep, key: KeyDep) -> Response:
    """Return the metrics of this process in Prometheus' text format. Requires an admin key or METRICS_TOKEN."""
    if not _is_token(context, key):
        (await context.access.authenticate(key)).require(Scope.ADMIN)
    await _measure(context)
    return Response(context.metrics.write(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _is_token(context: Context, key: str | None) -> bool:
    token = context.settings.metrics_token
    if token is None or key is None:
        return False
    given = key.encode("utf-8", "surrogatepass")
    return hmac.compare_digest(given, token.get_secret_value().encode())


async def _measure(context: Context) -> None:
    """Update the gauges. If the database can't be reached, the newest trace's age is NaN, and models have no gauges."""
    context.metrics.stream_clients.set(context.hub.clients)
    if context.access.open_pool is None:
        return
    context.metrics.note_pool(context.access.open_pool)
    newest: datetime | None = None
    models: list[ModelRow] = []
    with contextlib.suppress(ThunderError):
        newest = await ask_in_time(read_newest(context.access.open_pool))
        models = await ask_in_time(measure_models(context.access.open_pool))
    context.metrics.note_models(models)
    context.metrics.newest_age.set(float("nan") if newest is None else max(0.0, time.time() - newest.timestamp()))


def web() -> FastAPI:
    """Build the ASGI application of this endpoint."""
    return build_app(router)
