"""GET /metrics: the metrics of the server in Prometheus' text format."""

import hmac

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from core.access.caller import Scope
from functions.web.access import KeyDep
from functions.web.context import Context, ContextDep
from functions.web.measuring import measure_process, read_figures
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=20, target_inputs=10, memory_mb=256)

router = APIRouter(tags=["metrics"])


@router.get("/metrics", response_class=Response)
async def get_metrics(context: ContextDep, key: KeyDep) -> Response:
    """Return the metrics of the server in Prometheus' text format. Requires an admin key or METRICS_TOKEN."""
    if not _is_token(context, key):
        (await context.access.authenticate(key)).require(Scope.ADMIN)
    measure_process(context)
    return Response(context.metrics.write(await read_figures(context)), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _is_token(context: Context, key: str | None) -> bool:
    token = context.settings.metrics_token
    if token is None or key is None:
        return False
    given = key.encode("utf-8", "surrogatepass")
    return hmac.compare_digest(given, token.get_secret_value().encode())
