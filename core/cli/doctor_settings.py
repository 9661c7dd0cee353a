"""The checks of `manage.py doctor` on the settings. They never show the value of a secret."""

import ipaddress
import shutil
from collections.abc import Iterator
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from core.access.access import KEYLESS_WARNING, OPEN_INGEST_WARNING
from core.access.secret import ChosenSecret, choose_secret, list_left_over
from core.access.store import Guards
from core.cli.findings import Finding, fail, ok, warn
from core.cli.sizes import describe_bytes
from core.database.direct import NEON, POOLER, find_direct_dsn
from core.local.environment import describe_database
from core.local.secrets import find_secret
from core.settings import Settings

POOLER_PORTS = {"6432", "6543"}
"""The usual ports of PgBouncer and similar poolers."""
GIB = 1024**3
LITTLE_DISK, NO_DISK = 2 * GIB, GIB // 4
_RISKS = {
    4: [
        ipaddress.ip_network(one) for one in ("127.0.0.0/8", "169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32")
    ],
    6: [ipaddress.ip_network(one) for one in ("::1/128", "fe80::/10", "fd00:ec2::254/128")],
}
"""Networks with loopback and metadata services."""
SHORT_SECRET, SHORT_KEY = 32, 20
"""Lengths, in characters, below which a secret or an admin key may be easy to guess."""


def list_settings(settings: Settings) -> Finding:
    """List the settings that are set. All others have their defaults."""
    named = sorted(name.upper() for name in settings.model_fields_set)
    return ok("settings", f"set: {', '.join(named)}" if named else "all settings have their defaults")


def find_kind(dsn: str) -> str:
    """Return the kind of connection a DSN makes, judged by its host and port."""
    parts = conninfo_to_dict(dsn)
    host, port = str(parts.get("host") or ""), str(parts.get("port") or "")
    if host.endswith(NEON):
        return "Neon's pooler" if host.partition(".")[0].endswith(POOLER) else "Neon, direct"
    if POOLER in host:
        return "a pooler, by its name"
    return f"a pooler, by its port {port}" if port in POOLER_PORTS else "direct"


def examine_url(settings: Settings) -> Finding:
    """Check DATABASE_URL."""
    if settings.database_url is None:
        return ok("database", f"DATABASE_URL is not set: the embedded PostgreSQL in {settings.thunder_data_dir}")
    dsn = settings.database_url.get_secret_value()
    name, kind = describe_database(dsn), find_kind(dsn)
    shown = f"{name}: {kind}"
    if kind == "Neon, direct":
        return warn("database", f"{shown}; use Neon's pooled address ({POOLER}), or containers use up its connections")
    return ok("database", shown)


def examine_direct_url(settings: Settings) -> Finding | None:
    """Check the direct URL, which migrations and LISTEN use; None for the embedded database."""
    if settings.database_url is None:
        return None
    pooled, direct = settings.database_url.get_secret_value(), find_direct_dsn(settings)
    if settings.database_url_direct is not None:
        shown = describe_database(settings.database_url_direct.get_secret_value())
        kind = find_kind(settings.database_url_direct.get_secret_value())
        if "pooler" in kind:
            return fail("direct", f"DATABASE_URL_DIRECT leads to {shown}, {kind}; use the address without a pooler")
        return ok("direct", f"DATABASE_URL_DIRECT: {shown}")
    if direct is not None:
        return ok("direct", f"derived from Neon's DATABASE_URL: {describe_database(direct)}")
    if "pooler" in find_kind(pooled):
        return warn("direct", "not set; set DATABASE_URL_DIRECT to the address without the pooler, for migrations")
    return ok("direct", "DATABASE_URL itself")


def examine_disk(data_dir: Path) -> Finding:
    """Check the free space on the disk of the embedded database."""
    free = shutil.disk_usage(data_dir).free
    shown = f"{describe_bytes(free)} free on the disk of {data_dir}"
    if free < NO_DISK:
        return fail("disk", f"{shown}; free some space before traces are refused")
    return warn("disk", f"{shown}; free some space") if free < LITTLE_DISK else ok("disk", shown)


def examine_secret(settings: Settings, guards: Guards) -> Finding:
    """Check that the process has the secret of the database, and that the database has no copy."""
    setting, previous = settings.secret, settings.previous_secret
    in_file, kept = find_secret(settings), guards.kept_secret
    chosen = choose_secret(guards, setting=setting, previous=previous, in_file=in_file)
    if chosen.problem:
        return fail("secret", chosen.problem)
    if (finding := _examine_rotation(guards, chosen)) is not None:
        return finding
    if chosen.secret is None or (chosen.secret == kept and setting is None):
        advice = "keep one outside the database (`manage.py secret` prints one; see docs/SECRETS.md)"
        return warn("secret", f"THUNDER_SECRET is not set; {advice}")
    if kept is not None and setting is not None:
        return warn("secret", "the database still keeps a copy of THUNDER_SECRET; empty the table generated_secret")
    if len(chosen.secret) < SHORT_SECRET:
        return warn(
            "secret", f"THUNDER_SECRET has fewer than {SHORT_SECRET} characters; use the output of `manage.py secret`"
        )
    where = "THUNDER_SECRET is set" if setting else f"it is in {settings.thunder_data_dir / 'secret'}"
    return ok("secret", f"{where}, and is not in the database")


def _examine_rotation(guards: Guards, chosen: ChosenSecret) -> Finding | None:
    """Check THUNDER_SECRET_PREVIOUS; None if it is not set and not needed."""
    if left_over := list_left_over(guards, chosen):
        return warn("secret", left_over[0])
    if chosen.is_new:
        return ok("secret", "THUNDER_SECRET is new; the next server begins the rotation from THUNDER_SECRET_PREVIOUS")
    if chosen.previous is None:
        return None
    if not guards.is_waiting:
        return warn("secret", "THUNDER_SECRET_PREVIOUS is set, but no owner waits for it anymore; remove it")
    return ok("secret", "a rotation is in progress; `manage.py secret status` counts the owners that wait")


def examine_webhooks(settings: Settings) -> Finding | None:
    """Check WEBHOOK_ALLOW; None if it is not set. Loading the settings refuses a value that lists no networks."""
    if not settings.webhook_networks:
        return None
    exposed = [str(one) for one in settings.webhook_networks if any(one.overlaps(risk) for risk in _RISKS[one.version])]
    if exposed:
        advice = "every user can make Thunder post to services there; list the addresses of the receivers instead"
        return warn("webhooks", f"WEBHOOK_ALLOW has {', '.join(exposed)}, with loopback or metadata services; {advice}")
    return ok("webhooks", f"WEBHOOK_ALLOW has {', '.join(map(str, settings.webhook_networks))}")


def examine_openness(settings: Settings) -> Iterator[Finding]:
    """Warn of settings with which callers need no key."""
    if settings.ingest_auth == "open":
        yield warn("ingest", f"{OPEN_INGEST_WARNING}; unset it unless only trusted programs can")
    if settings.playground_keyless:
        yield warn("playground", f"{KEYLESS_WARNING}; unset it unless only trusted people can")


def examine_admin_key(configured: str | None, admin_keys: int) -> Finding:
    """Check that an admin key exists."""
    if configured is not None and len(configured) < SHORT_KEY:
        return warn("admin key", f"THUNDER_ADMIN_KEY has fewer than {SHORT_KEY} characters; use a long random one")
    if configured is not None:
        return ok("admin key", f"THUNDER_ADMIN_KEY is set; {admin_keys} more in the database")
    if admin_keys:
        return ok("admin key", f"{admin_keys} in the database")
    return fail("admin key", "no admin key; set THUNDER_ADMIN_KEY, or run `manage.py keys create NAME --admin`")
