"""`manage.py doctor`: check that settings, database and keys meet the requirements of Thunder. Read-only."""

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median

import psycopg

from core.access.store import FIND_GUARDS
from core.cli import doctor_settings as of_settings
from core.cli.findings import Finding, fail, ok, warn
from core.database.direct import TWO_DATABASES
from core.database.migrations import LATEST_VERSION, MigrationError, Stamp, check_applied, read_stamp
from core.database.statements import SET_TIMEOUT
from core.errors import ThunderError
from core.local.connection import ChoreError, connect
from core.local.reach import ChoreDatabase, open_chore_database
from core.local.secrets import find_admin_key
from core.pairing.version import SCORING_VERSION
from core.settings import Settings
from core.transfer import store

TRIPS = 5
SLOW_TRIP_MS = 50
PROBE_TIMEOUT_MS = 50
OVERDUE_S = 5
"""The duration of the statement that the timeout must cancel."""
MAX_SKEW_S = 2
TESTED_MAJOR, OLDEST_MAJOR = 18, 15
"""PostgreSQL versions: the one that the tests use, and the oldest that supports every statement."""


def examine(settings: Settings) -> Iterator[Finding]:
    """Run the checks in order, and skip checks that depend on a failed one."""
    yield of_settings.list_settings(settings)
    webhooks = of_settings.examine_webhooks(settings)
    if webhooks is not None:
        yield webhooks
    yield from of_settings.examine_openness(settings)
    try:
        yield of_settings.examine_url(settings)
        direct = of_settings.examine_direct_url(settings)
        if direct is not None:
            yield direct
        with open_chore_database(settings) as reached:
            yield from _examine_database(reached)
    except ThunderError as error:
        yield fail("database", str(error))


def _examine_database(reached: ChoreDatabase) -> Iterator[Finding]:
    settings, pooled = reached.settings, reached.pooled_dsn
    began = time.perf_counter()
    with connect(pooled) as conn:
        took = time.perf_counter() - began
        yield from _examine_server(conn, connect_ms=took * 1000)
        yield _examine_timeout(conn)
    stamp = read_stamp(reached.dsn)
    yield _examine_stamp(stamp, settings.thunder_app_name)
    if pooled != reached.dsn and read_stamp(pooled) != stamp:
        yield fail("direct", TWO_DATABASES)
    yield _examine_schema(reached.dsn)
    with contextlib.suppress(ChoreError), connect(pooled) as conn:  # not migrated, as reported above
        yield _examine_scores(store.COUNT_CONTENTS.run_only(conn, scoring_version=SCORING_VERSION).outdated)
        guards = FIND_GUARDS.run_only(conn)
        yield of_settings.examine_secret(settings, guards)
        yield of_settings.examine_admin_key(find_admin_key(settings), guards.admin_keys)
    if reached.embedded:
        yield of_settings.examine_disk(settings.thunder_data_dir)


def _examine_server(conn: psycopg.Connection, *, connect_ms: float) -> Iterator[Finding]:
    trips: list[float] = []
    skews: list[timedelta] = []
    server = store.PROBE_SERVER.run_only(conn)
    for _ in range(TRIPS):
        started_at, started = datetime.now(UTC), time.perf_counter()
        server = store.PROBE_SERVER.run_only(conn)
        trips.append(time.perf_counter() - started)
        skews.append(server.read_at - (started_at + timedelta(seconds=trips[-1] / 2)))
    yield _judge_latency(connect_ms, median(trips) * 1000)
    yield _judge_version(server.version)
    yield _judge_skew(median(skew.total_seconds() for skew in skews))


def _judge_latency(connect_ms: float, trip_ms: float) -> Finding:
    shown = f"connected in {connect_ms:.0f} ms, a round trip takes {trip_ms:.1f} ms (median of {TRIPS})"
    if trip_ms > SLOW_TRIP_MS:
        return warn("latency", f"{shown}; an ingest takes 2 to 4 round trips; run Thunder near the database")
    return ok("latency", shown)


def _judge_version(number: int) -> Finding:
    major, shown = number // 10_000, f"PostgreSQL {number // 10_000}.{number % 10_000}"
    if major < OLDEST_MAJOR:
        return fail("server", f"{shown}; Thunder needs {OLDEST_MAJOR} or later")
    if major != TESTED_MAJOR:
        return warn("server", f"{shown}; Thunder is tested on {TESTED_MAJOR}")
    return ok("server", shown)


def _judge_skew(seconds: float) -> Finding:
    shown = f"the database is {abs(seconds):.1f} s {'ahead' if seconds > 0 else 'behind'}"
    if abs(seconds) > MAX_SKEW_S:
        return warn("clock", f"{shown}; synchronize the clocks with NTP, or new traces get wrong times")
    return ok("clock", shown)


def _examine_timeout(conn: psycopg.Connection) -> Finding:
    """Check that the pooler passes on the statement timeout, which limits how long a statement holds a connection."""
    try:
        with conn.transaction():
            SET_TIMEOUT.run(conn, milliseconds=PROBE_TIMEOUT_MS)
            store.SLEEP.run(conn, seconds=OVERDUE_S)
    except psycopg.errors.QueryCanceled:
        return ok("timeouts", f"a statement that was allowed {PROBE_TIMEOUT_MS} ms was cancelled")
    return fail(
        "timeouts", f"a statement that was allowed {PROBE_TIMEOUT_MS} ms ran for {OVERDUE_S} s; check the pooler"
    )


def _examine_stamp(stamp: Stamp | None, app_name: str) -> Finding:
    if stamp is None:
        return fail("stamp", "the database has no stamp yet; run `manage.py migrate`")
    if stamp.app_name != app_name:
        advice = f"correct DATABASE_URL or THUNDER_APP_NAME, or run `manage.py adopt --app-name {app_name}`"
        return fail("stamp", f"{stamp.app_name}, not {app_name}; {advice}")
    return ok("stamp", f"{stamp.app_name}, the same as this app")


def _examine_scores(outdated: int) -> Finding:
    if outdated:
        return warn(
            "scores", f"{outdated:,} requests have scores of another version or calibrator; run `manage.py rescore`"
        )
    return ok("scores", f"all requests have scores of version {SCORING_VERSION}")


def _examine_schema(dsn: str) -> Finding:
    try:
        version = check_applied(dsn)
    except MigrationError as error:
        return fail("schema", str(error))
    if version < LATEST_VERSION:
        return fail("schema", f"at version {version} of {LATEST_VERSION}; run `manage.py migrate`")
    if version > LATEST_VERSION:
        return warn(
            "schema", f"at version {version}, newer than this Thunder ({LATEST_VERSION}); deploy the newer Thunder"
        )
    return ok("schema", f"at version {version}, the same as this Thunder")
