"""The direct connection, past the pooler: for LISTEN, which belongs to a session, and for migrations and chores."""

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from core.settings import Settings

NEON = ".neon.tech"
POOLER = "-pooler"


def find_direct_dsn(settings: Settings) -> str | None:
    """DATABASE_URL_DIRECT; else Neon's, worked out from DATABASE_URL; null where nobody can know."""
    if settings.database_url_direct is not None:
        return settings.database_url_direct.get_secret_value()
    if settings.database_url is None:
        return None
    pooled = settings.database_url.get_secret_value()
    host = _find_host(pooled)
    if not host.endswith(NEON):
        return None
    endpoint, _, domain = host.partition(".")
    return make_conninfo(pooled, host=f"{endpoint.removesuffix(POOLER)}.{domain}")


def find_session_dsn(settings: Settings) -> str | None:
    """The direct connection, else DATABASE_URL, which may be direct; null if there is no database."""
    pooled = settings.database_url
    return find_direct_dsn(settings) or (pooled.get_secret_value() if pooled else None)


def is_suspended_when_idle(settings: Settings) -> bool:
    """Whether the database is one that is put to sleep while nobody asks it anything, and woken by whoever does."""
    url = settings.database_url
    return url is not None and _find_host(url.get_secret_value()).endswith(NEON)


def _find_host(dsn: str) -> str:
    try:
        return str(conninfo_to_dict(dsn).get("host") or "")
    except psycopg.ProgrammingError:
        return ""
