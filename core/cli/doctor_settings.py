"""What `manage.py doctor` can tell from the settings alone. Never a value of a secret."""

import shutil
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from core.cli.findings import Finding, fail, ok, warn
from core.cli.sizes import describe_bytes
from core.database.direct import NEON, POOLER, find_direct_dsn
from core.local.environment import describe_database
from core.settings import Settings

POOLER_PORTS = {"6432", "6543"}
"""Where PgBouncer and its kind usually listen."""
GIB = 1024**3
LITTLE_DISK, NO_DISK = 2 * GIB, GIB // 4
SHORT_SECRET, SHORT_KEY = 32, 20
"""Characters below which a secret, or an admin key, is perhaps a word."""


def list_settings(settings: Settings) -> Finding:
    """Which settings are set; the others have their defaults."""
    named = sorted(name.upper() for name in settings.model_fields_set)
    return ok("settings", f"set: {', '.join(named)}" if named else "none is set, so each has its default")


def find_kind(dsn: str) -> str:
    """What kind of connection a DSN makes, as far as its host and port tell."""
    parts = conninfo_to_dict(dsn)
    host, port = str(parts.get("host") or ""), str(parts.get("port") or "")
    if host.endswith(NEON):
        return "Neon's pooler" if host.partition(".")[0].endswith(POOLER) else "Neon, direct"
    if POOLER in host:
        return "a pooler, by its name"
    return f"a pooler, by its port {port}" if port in POOLER_PORTS else "direct"


def examine_url(settings: Settings) -> Finding:
    """DATABASE_URL: what it leads to."""
    if settings.database_url is None:
        return ok("database", f"DATABASE_URL is not set: the embedded PostgreSQL in {settings.thunder_data_dir}")
    dsn = settings.database_url.get_secret_value()
    name, kind = describe_database(dsn), find_kind(dsn)
    shown = f"{name}: {kind}"
    if kind == "Neon, direct":
        return warn(
            "database", f"{shown}; give DATABASE_URL Neon's pooled address ({POOLER}), or containers run it out"
        )
    if kind != "direct" and settings.database_prepare_threshold is not None:
        return warn("database", f"{shown}; unset DATABASE_PREPARE_THRESHOLD, which needs a direct connection")
    return ok("database", shown)


def examine_direct_url(settings: Settings) -> Finding | None:
    """The way past the pooler, for migrations and LISTEN; null for the embedded database."""
    if settings.database_url is None:
        return None
    pooled, direct = settings.database_url.get_secret_value(), find_direct_dsn(settings)
    if settings.database_url_direct is not None:
        shown = describe_database(settings.database_url_direct.get_secret_value())
        kind = find_kind(settings.database_url_direct.get_secret_value())
        if "pooler" in kind:
            return fail("direct", f"DATABASE_URL_DIRECT leads to {shown}, {kind}: give it the address without a pooler")
        return ok("direct", f"DATABASE_URL_DIRECT: {shown}")
    if direct is not None:
        return ok("direct", f"worked out from DATABASE_URL as Neon names them: {describe_database(direct)}")
    if "pooler" in find_kind(pooled):
        return warn("direct", "set DATABASE_URL_DIRECT to the address without the pooler: migrations want it")
    return ok("direct", "DATABASE_URL itself")


def examine_disk(data_dir: Path) -> Finding:
    """The disk of the embedded database."""
    free = shutil.disk_usage(data_dir).free
    shown = f"{describe_bytes(free)} free where {data_dir} lies"
    if free < NO_DISK:
        return fail("disk", f"{shown}: make room before traces are refused")
    return warn("disk", f"{shown}: make room") if free < LITTLE_DISK else ok("disk", shown)


def examine_secret(settings: Settings, kept: str | None) -> Finding:
    """THUNDER_SECRET, beside the one that the database has made for want of it."""
    if settings.thunder_secret is None:
        advice = "keep one outside the database (`manage.py secret` prints one; docs/ACCESS.md has how to move)"
        return warn("secret", f"THUNDER_SECRET is not set: {advice}")
    secret = settings.thunder_secret.get_secret_value()
    if kept is not None and kept != secret:
        advice = "what was stored under that is no longer its users' (docs/ACCESS.md)"
        return warn("secret", f"the database keeps another one than THUNDER_SECRET: {advice}")
    if kept is not None:
        return warn("secret", "the database still keeps a copy of THUNDER_SECRET: empty the table generated_secret")
    if len(secret) < SHORT_SECRET:
        return warn(
            "secret", f"THUNDER_SECRET has fewer than {SHORT_SECRET} characters: take one of `manage.py secret`"
        )
    return ok("secret", "THUNDER_SECRET is set, and lies outside the database")


def examine_admin_key(configured: str | None, admin_keys: int) -> Finding:
    """Whether anybody can read anything."""
    if configured is not None and len(configured) < SHORT_KEY:
        return warn("admin key", f"THUNDER_ADMIN_KEY has fewer than {SHORT_KEY} characters: take a long random one")
    if configured is not None:
        return ok("admin key", f"THUNDER_ADMIN_KEY is set; {admin_keys} more in the database")
    if admin_keys:
        return ok("admin key", f"{admin_keys} in the database")
    return fail("admin key", "nobody can read all: set THUNDER_ADMIN_KEY, or `manage.py keys create NAME --admin`")
