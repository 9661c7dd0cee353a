"""Failures of the chores on Modal: one sentence each, with advice that fits."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import OperationalError
from psycopg.conninfo import make_conninfo

from core.access.secret import UNSET_SECRET, WRONG_SECRET
from core.database.direct import TWO_DATABASES
from core.database.migrations import LATEST_VERSION
from core.deploy.rollout import explain_problem
from core.local.outage import describe_outage
from core.local.postgres import EmbeddedPostgres
from functions.jobs import chores
from functions.jobs.chores import Description, Failure
from tests.support.databases import TEMPLATE
from tests.support.environment import ROOT
from tests.support.fakemodal_more import Plane
from tests.support.keys import SECRET

APP, NAME = "thunder-backend-staging", "thunder-db-staging"
PASSWORD = "hunter2"
CHORES: dict[str, Callable[[], object]] = {
    "status": chores.describe_database,
    "migrate": chores.migrate_database,
    "needs_admin_key": chores.needs_admin_key,
    "admin_key": chores.create_admin_key,
}
SECONDS = 400


@dataclass
class Place:
    """DSNs of one server: two migrated databases of thunder-backend, an empty one, and one with a wrong password."""

    migrated: str
    other: str
    empty: str
    refused: str


@pytest.fixture(scope="module")
def place(postgres: EmbeddedPostgres) -> Iterator[Place]:
    migrated, other = (postgres.create_database(f"chore_{name}", template=TEMPLATE) for name in ("own", "other"))
    empty = postgres.create_database("chore_empty")
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute("update environment set secret_fingerprint = 'of another'")
        conn.execute("create role chore_user login password 'right'")
    with psycopg.connect(other, autocommit=True) as conn:
        conn.execute("update environment set stamped_at = '2020-01-01Z'")
    rules = postgres.data_dir / "postgres" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all chore_user scram-sha-256\n{before}")
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute("select pg_reload_conf()")
        yield Place(migrated, other, empty, make_conninfo(migrated, user="chore_user", password=PASSWORD))
        conn.execute("drop role chore_user")
    rules.write_text(before)
    for name in ("own", "other", "empty"):
        postgres.drop_database(f"chore_{name}")


Run = Callable[..., tuple[str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a chore with the variables of a container, and return its output and its error."""

    def run(chore: str, **environment: str) -> tuple[str, str]:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            result = CHORES[chore]()
        match result:
            case Description(lines, problem):
                return "\n".join(lines), problem
            case Failure(sentence):
                return "", sentence
            case _:
                return str(result), ""

    return run


def check(sentence: str, *parts: str) -> None:
    assert all(part in sentence for part in parts), sentence
    assert (sentence.count("\n"), PASSWORD in sentence) == (0, False), sentence


@pytest.mark.parametrize("chore", CHORES)
def test_a_database_that_cannot_be_reached_is_a_sentence_with_the_reason(run: Run, place: Place, chore: str) -> None:
    for url, *parts in (
        (f"postgresql://u:{PASSWORD}@127.0.0.1:1/x", "x on 127.0.0.1:1: does not answer (", "host and port in its URL"),
        (f"postgresql://u:{PASSWORD}@no-such-host.invalid/x", "the host is not known (", "correct it in its URL"),
        (place.refused, "refused the user or the password (password authentication failed", "correct them in its URL"),
        (place.migrated.replace("chore_own", "none"), "has no database of this name (", "correct the name in its URL"),
        (f"postgresql://u:{PASSWORD}@h/x?pgbouncer=true", "DATABASE_URL: pgbouncer is not a parameter", "remove it"),
        (f"postgres//u:{PASSWORD}@h/x", "DATABASE_URL: not valid; write postgresql://"),
        ("", "DATABASE_URL: not set; set it to the URL"),
    ):
        check(run(chore, DATABASE_URL=url)[1], *parts)


@pytest.mark.parametrize("chore", ["status", "needs_admin_key", "admin_key"])
def test_a_database_that_is_not_migrated_needs_the_command_on_modal(run: Run, place: Place, chore: str) -> None:
    _, error = run(chore, DATABASE_URL=place.empty)
    check(
        error,
        f"database: migrations are pending ({LATEST_VERSION}); " if chore == "status" else "database: not migrated; ",
    )
    check(error, "run `modal run chores.py::migrate`")
    assert explain_problem("other", environment="staging") is None


@pytest.mark.parametrize("chore", ["status", "migrate", "admin_key"])
def test_the_database_of_another_app_is_named(run: Run, place: Place, chore: str) -> None:
    check(
        run(chore, DATABASE_URL=place.migrated, THUNDER_APP_NAME=APP)[1],
        f"belongs to thunder-backend; this app is {APP}; ",
        f"`manage.py adopt --app-name {APP}`",
    )


def test_the_status_finds_what_a_deploy_would_fail_with(run: Run, place: Place) -> None:
    url = {"DATABASE_URL": place.migrated}
    assert run("status", **url, THUNDER_SECRET=SECRET)[1] == WRONG_SECRET
    assert run("status", **url, THUNDER_SECRET="")[1] == UNSET_SECRET
    lines, error = run("status", DATABASE_URL=place.other, DATABASE_URL_DIRECT=place.migrated)
    assert ("stamp     thunder-backend" in lines, error) == (True, TWO_DATABASES)
    for name, value in {"LOG_LEVEL": "loud", "DATABASE_POOL_SIZE": "many", "TRUSTED_PROXIES": "proxy"}.items():
        check(run("status", **url, **{name: value})[1], f"{name}: ")


def test_a_bug_is_a_sentence_and_debug_raises_it(run: Run, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("a text of a user")

    monkeypatch.setattr("functions.jobs.chores.read_guards", fail)
    url = {"DATABASE_URL": place.migrated}
    check(run("needs_admin_key", **url)[1], "bug: KeyError in ", "LOG_LEVEL=debug")
    with pytest.raises(KeyError):
        run("needs_admin_key", **url, LOG_LEVEL="debug")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("connection failed: :1), port 5 failed: FATAL:  SASL authentication failed", "refused the user"),
        ('connection failed: connection to server at "h", port 5 failed: FATAL:  no such user: u', "refused the user"),
        ("connection failed: FATAL:  no more connections allowed (max_client_conn)", "accepts no more connections"),
        ("FATAL:  remaining connection slots are reserved", "accepts no more connections"),
        ("ERROR:  Your account or project has exceeded the compute time quota.", "has used up the quota"),
        ("ERROR:  The requested endpoint could not be found, or you don't have access to it.", "the host is not known"),
        ('FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", no encryption', "correct sslmode"),
        ("FATAL:  the database system is starting up", "try again in a minute"),
        ("connection timeout expired", "does not answer (connection timeout expired); check that it runs"),
        ("consuming input failed: server closed the connection unexpectedly", "does not answer ("),
    ],
)
def test_the_texts_of_poolers_and_neon_are_recognized(text: str, problem: str) -> None:
    check(describe_outage(OperationalError(f"{text}\n\tIs the server running?")), problem)


def test_modal_s_errors_about_a_secret_have_a_remedy() -> None:
    """Without a secret, and with one that lacks DATABASE_URL."""

    async def walk() -> None:
        async with asyncio.timeout(SECONDS), Plane() as modal:
            for values, error, remedy in (
                (None, f"Secret '{NAME}' not found", f"Create the secret {NAME} first"),
                ({"LOG_LEVEL": "info"}, "is missing key", f"Add the missing value to the file of {NAME}"),
            ):
                if values is not None:
                    modal.secrets["main", NAME] = values
                names = {"MODAL_APP_NAME": APP, "MODAL_SECRET_NAME": NAME}
                status, output = await modal.cli("run", "chores.py::status", cwd=str(ROOT), env=names, check=False)
                assert (status, error in output, "Traceback" in output) == (1, True, False), output
                assert (explain_problem(output, environment="staging") or "").startswith(remedy)
            await check_failed_deploy(modal)

    asyncio.run(walk())


async def check_failed_deploy(modal: Plane) -> None:
    """Deploy with a database that does not answer. The output has no password."""
    modal.secrets["main", NAME] = {"DATABASE_URL": f"postgresql://u:{PASSWORD}@127.0.0.1:1/x"}
    command = [sys.executable, "manage.py", "deploy", "staging"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=modal.cli_env(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode()
    assert (process.returncode, modal.deployed) == (1, {}), output
    assert "\nError: x on 127.0.0.1:1: does" in output
    assert output.strip().splitlines()[-1].startswith("Error: database: not ready, so nothing was deployed; see the")
    assert ("MIGRATE" in output, "Traceback" in output, PASSWORD in output) == (False, False, False), output


def test_no_admin_key_is_created_where_one_is_set(run: Run, place: Place) -> None:
    for chore, result in {"needs_admin_key": "False", "admin_key": "None"}.items():
        assert run(chore, DATABASE_URL=place.migrated, THUNDER_ADMIN_KEY="k") == (result, "")
