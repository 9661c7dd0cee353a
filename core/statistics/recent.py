"""The requests of each model in the last hour, for the metrics."""

from core.database.pool import Pool, checkout, retry_read
from core.statistics.store import MEASURE_MODELS, ModelRow

PERIOD_S = 3600
LOW_CONFIDENCE = 0.2
MAX_MODELS = 50
"""Models with the most requests that are measured, so that the number of time series stays bounded."""
MAX_REQUESTS = 100_000
"""The newest requests that are measured."""


@retry_read
async def measure_models(pool: Pool) -> list[ModelRow]:
    """Measure the requests that any process received in the last hour.

    Raises:
        DatabaseUnavailableError: the database does not answer.
    """
    async with checkout(pool) as conn:
        return await MEASURE_MODELS.fetch_all(
            conn, period_s=PERIOD_S, low=LOW_CONFIDENCE, most_requests=MAX_REQUESTS, most_models=MAX_MODELS
        )
