"""docs/OPERATIONS.md: its Modal commands run as printed, and its tables match the code. test_chores.py has the rest."""

import asyncio
import re
from pathlib import Path

import psycopg
import pytest

from core.deploy.layout import STARTER_ENDPOINTS
from core.local.postgres import EmbeddedPostgres
from functions import api
from functions.web.application import VERSION
from tests.support.command import run_shell
from tests.support.environment import ROOT
from tests.support.fakemodal_more import Plane
from tests.support.keys import ADMIN_KEY
from tests.support.pgbouncer import pooled_dsn, run_pgbouncer

OPERATIONS = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
DEPLOY = OPERATIONS.partition("## Deploy\n")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"```sh\n(.*?)```", DEPLOY, re.DOTALL)
SCALING = re.compile(r"^\| `(\w+)` \| (\d+) \((\d+)\) \| (\d+) MB \| (\d+) s \| .+ \|$", re.MULTILINE)
COST = re.compile(r"^\| (\d+) MB \| ([\d.]+) \+ ([\d.]+) = ([\d.]+) \|$", re.MULTILINE)
APP = "thunder-backend-staging"
SECRETS = ("thunder-db-staging", "thunder-db")
SECONDS = 600


def test_the_commands_of_a_deployment_run_as_printed(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    """Staging is behind PgBouncer, production is not. For production, only its secret and its first deploy run."""
    names = ("operations_staging", "operations_production")
    staging, production = (postgres.create_database(name) for name in names)

    async def run(pooled: str) -> None:
        async with asyncio.timeout(SECONDS), Plane(web_endpoint_cap=STARTER_ENDPOINTS) as modal:
            values = f"DATABASE_URL='{pooled}' DATABASE_URL_DIRECT='{staging}'"
            commands = [fill_in(command, values) for command in COMMANDS]
            commands += [name_production(fill_in(command, f"DATABASE_URL='{production}'")) for command in COMMANDS[:2]]
            for command in commands:
                await run_shell(command, ROOT, modal.cli_env())
            apps = (APP, "thunder-backend")
            assert {app["name"] for app in modal.apps.values()} == {*apps, *(f"{app}-chores" for app in apps)}
            assert {modal.secrets["main", name]["THUNDER_ADMIN_KEY"] for name in SECRETS} == {ADMIN_KEY}

    with run_pgbouncer(postgres, tmp_path) as port:
        asyncio.run(run(pooled_dsn(port, names[0])))
    for database, app in ((staging, APP), (production, "thunder-backend")):
        with psycopg.connect(database) as conn:
            assert conn.execute("select app_name from environment").fetchone() == (app,)
    for name in names:
        postgres.drop_database(name)


def fill_in(command: str, values: str) -> str:
    """Replace the placeholders of the document: the URLs and the key."""
    return command.replace("DATABASE_URL='postgresql://…'", values).replace("ADMIN_KEY=…", f"ADMIN_KEY={ADMIN_KEY}")


def name_production(command: str) -> str:
    return command.replace("ENV=staging", "ENV=production").replace("thunder-db-staging", "thunder-db")


def test_the_document_has_the_commands() -> None:
    programs = [".venv/bin/modal", "make", f"MODAL_APP_NAME={APP}", f"MODAL_APP_NAME={APP}"]
    assert [command.split()[0] for command in COMMANDS] == programs


@pytest.mark.parametrize("name", ["OPERATIONS.md", "SECRETS.md", "BACKUP.md"])
def test_a_block_of_commands_runs_in_a_test_or_says_that_it_does_not(name: str) -> None:
    """The tests run blocks marked `sh`. Blocks without a mark have commands that the tests can't run."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"([^\n]*)\n+ *```(\w*)\n.*?```", text, re.DOTALL)
    assert len(blocks) > 5
    silent = [before for before, language in blocks if not language and "not run by the tests" not in before]
    assert (silent, {language for _, language in blocks} - {"", "sh", "text", "ini"}) == ([], set())


def test_the_table_shows_the_scaling_of_each_function() -> None:
    expected: set[tuple[str, ...]] = set()
    for endpoint in (*api.ENDPOINTS, api):
        name, scaling = endpoint.__name__.rpartition(".")[2], endpoint.SCALING
        numbers = (scaling.max_inputs, scaling.target_inputs, scaling.memory_mb, scaling.timeout_s)
        expected.add((name, *map(str, numbers)))
        assert (scaling.idle_s, scaling.max_containers) == (120, 20), name
    assert set(SCALING.findall(OPERATIONS)) == expected


def test_the_cost_of_a_container_follows_from_the_prices() -> None:
    seconds = 2_592_000
    rows = COST.findall(OPERATIONS)
    assert len(rows) == 3
    for memory, cores, gib, total in rows:
        shown = (float(cores), float(gib), float(total))
        price = (0.125 * 0.0000131 * seconds, int(memory) / 1024 * 0.00000222 * seconds)
        assert all(abs(one - other) < 0.06 for one, other in zip(shown, (*price, sum(price)), strict=True)), memory


def test_the_version_is_the_same_everywhere() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"\n## {VERSION} · " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"git tag -a v{VERSION} " in OPERATIONS
