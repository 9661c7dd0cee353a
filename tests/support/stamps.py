"""Apps and settings for tests of the stamp."""

from contextlib import AbstractContextManager

import pytest

from core.database.migrations import read_stamp
from core.settings import Settings

OURS = "thunder-backend"
THEIRS = "thunder-backend-staging"
SENTENCE = (
    f"database: belongs to {OURS}; this app is {THEIRS}; set DATABASE_URL to a database of {THEIRS}, "
    f"or take over this one with `manage.py adopt --app-name {THEIRS}`"
)


def stamp_of(dsn: str) -> str | None:
    stamp = read_stamp(dsn)
    return None if stamp is None else stamp.app_name


def make_settings(dsn: str, app_name: str) -> Settings:
    return Settings.model_validate({"database_url": dsn, "thunder_app_name": app_name, "database_pool_size": 1})


def catches(error: type[Exception], match: str) -> AbstractContextManager[object]:
    return pytest.raises(error, match=match)
