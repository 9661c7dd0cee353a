"""Delete requests older than RETENTION_DAYS once a day on Modal, as `manage.py delete --older-than` does."""

import logging
from datetime import UTC, datetime, timedelta

from core.deletions.deletion import DeletionScope, delete_all
from core.local.admin import run_as_admin
from core.logging import configure_logging
from core.settings import Settings

log = logging.getLogger(__name__)

NAME = "retention"
CRON = "17 3 * * *"
TIMEOUT_S = 3600
MEMORY_MB = 256


def retain() -> str:
    """Delete expired requests and return a summary. Without RETENTION_DAYS, delete nothing.

    A run that does not finish within an hour continues the next day.
    """
    settings = Settings()
    configure_logging(settings.log_level)
    if settings.retention_days is None:
        return "RETENTION_DAYS is not set, so no requests are deleted"
    doomed = DeletionScope(before=datetime.now(UTC) - timedelta(days=settings.retention_days))
    count = run_as_admin(settings, lambda access, key: delete_all(access, key, doomed, deleted_by=NAME))
    sentence = f"{count} requests received before {doomed.before:%Y-%m-%d %H:%M} UTC deleted"
    log.info(sentence)
    return sentence
