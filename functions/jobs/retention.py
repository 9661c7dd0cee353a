"""Once a day, on Modal: what is older than RETENTION_DAYS is deleted. `manage.py delete --older-than` does the same."""

import logging
from datetime import UTC, datetime, timedelta

from core.deletions.deletion import Doomed, delete_all
from core.local.admin import run_as_admin
from core.logging import configure_logging
from core.settings import Settings

log = logging.getLogger(__name__)

NAME = "retention"
CRON = "17 3 * * *"
TIMEOUT_S = 3600
MEMORY_MB = 256


def retain() -> str:
    """Delete what is too old, and say how much it was. Without RETENTION_DAYS, nothing is.

    What was begun and not finished in an hour goes on the next day.
    """
    settings = Settings()
    configure_logging(settings.log_level)
    if settings.retention_days is None:
        return "RETENTION_DAYS is not set: nothing is ever too old"
    doomed = Doomed(before=datetime.now(UTC) - timedelta(days=settings.retention_days))
    count = run_as_admin(settings, lambda access, key: delete_all(access, key, doomed, deleted_by=NAME))
    sentence = f"{count} requests that came in before {doomed.before:%Y-%m-%d %H:%M} UTC are deleted"
    log.info(sentence)
    return sentence
