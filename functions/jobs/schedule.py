"""The one scheduled function on Modal: alerts, and the requests that are older than RETENTION_DAYS."""

import logging
from datetime import UTC, datetime, timedelta

from core.access.access import Access
from core.alerts.worker import AlertWorker
from core.deletions.deletion import DeletionScope, delete_all
from core.local.admin import run_as_admin
from core.logging import configure_logging
from core.settings import Settings

log = logging.getLogger(__name__)

NAME = "schedule"
CRON = "17 * * * *"
"""Hourly, because each run wakes a suspended database. Between the runs, ingest does most of this work."""
TIMEOUT_S = 3600
MEMORY_MB = 256
DELETED_BY = "retention"


def run() -> str:
    """Evaluate alerts, deliver waiting webhooks, delete expired requests, and return a summary.

    A run that does not finish within an hour is continued by the next one. Alerts come first, because they are urgent.
    """
    settings = Settings()
    configure_logging(settings.log_level)
    run_as_admin(settings, lambda access, _: _run_alerts(settings, access))
    return retain(settings)


async def _run_alerts(settings: Settings, access: Access) -> None:
    worker = AlertWorker(access, settings)
    try:
        await worker.run_once()
    finally:
        await worker.close()


def retain(settings: Settings) -> str:
    """Delete expired requests and return a summary. Without RETENTION_DAYS, delete nothing."""
    if settings.retention_days is None:
        return "RETENTION_DAYS is not set, so no requests are deleted"
    scope = DeletionScope(before=datetime.now(UTC) - timedelta(days=settings.retention_days))
    count = run_as_admin(settings, lambda access, key: delete_all(access, key, scope, deleted_by=DELETED_BY))
    sentence = f"{count} requests received before {scope.before:%Y-%m-%d %H:%M} UTC deleted"
    log.info(sentence)
    return sentence
