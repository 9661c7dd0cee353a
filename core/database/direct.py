"""The direct connection, without the pooler: LISTEN needs its own session, and migrations and chores may run long."""

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from core.database.connection import CONNECT_TIMEOUT_S
from core.settings import Settings

NEON = ".neon.tech"
POOLER = "-pooler"
TWO_DATABASES = "DATABASE_URL_DIRECT and DATABASE_URL lead to different databases; correct one of them"


def connect(dsn: str, application_name: str | None = None) -> psycopg.Connection:
    """Open a connection for a migration or a chore, in autocommit mode. The DSN may be a pooler's."""
    return psycopg.connect(
        dsn,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        prepare_threshold=None,
        application_name=application_name,
    )


def find_direct_dsn(settings: Settings) -> str | None:
    """Return DATABASE_URL_DIRECT, or Neon's direct URL derived from DATABASE_URL, or None if neither exists."""
    if settings.database_url_direct is not None:
        return settings.database_url_direct.get_secret_value()
    if settings.database_url is None:
        return None
    pooled = settings.database_url.get_secret_value()
    host = _find_host(pooled)
    if not host.endswith(NEON):
        return None
    endpoint, _, domain = host.partition(".")
    direct = endpoint.removesuffix(POOLER)
    given = conninfo_to_dict(pooled)
    # Clients without SNI also name the endpoint in the options (`project` in old ones), or in front of the password.
    named = {
        name: str(given[name]).replace(f"{word}={endpoint}", f"{word}={direct}")
        for name, word in (("options", "endpoint"), ("options", "project"), ("password", "endpoint"))
        if f"{word}={endpoint}" in str(given.get(name))
    }
    return make_conninfo(pooled, host=f"{direct}.{domain}", **named)


def find_session_dsn(settings: Settings) -> str | None:
    """Return the direct URL, or DATABASE_URL (which may be direct), or None if no database is configured."""
    pooled = settings.database_url
    return find_direct_dsn(settings) or (pooled.get_secret_value() if pooled else None)


def is_suspended_when_idle(settings: Settings) -> bool:
    """Return whether the database is suspended while it is idle and woken by the next query, as Neon's are."""
    url = settings.database_url
    return url is not None and _find_host(url.get_secret_value()).endswith(NEON)


def _find_host(dsn: str) -> str:
    try:
        return str(conninfo_to_dict(dsn).get("host") or "").lower()
    except psycopg.ProgrammingError:
        return ""
