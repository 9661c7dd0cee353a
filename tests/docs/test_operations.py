"""docs/OPERATIONS.md: its Modal commands run as printed, and its tables match the code. test_chores.py has the rest."""

import asyncio
import re
from pathlib import Path

import psycopg
import pytest
from dotenv import dotenv_values

from core.deploy.layout import STARTER_ENDPOINTS
from core.local.postgres import EmbeddedPostgres
from functions import api
from functions.web.application import VERSION
from tests.support.command import lend_programs, run_shell
from tests.support.environment import ROOT
from tests.support.fakemodal_more import Plane
from tests.support.pgbouncer import pooled_dsn, run_pgbouncer

OPERATIONS = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
DEPLOY = OPERATIONS.partition("## Deploy\n")[2].partition("\n## ")[0]
CREATE, *DEPLOYS = re.findall(r"```sh\n(.*?)```", DEPLOY, re.DOTALL)
SECRETS_BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "SECRETS.md").read_text(encoding="utf-8"), re.DOTALL)
CHANGE = SECRETS_BLOCKS[1]
README = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Deploy it to Modal\n")[2].partition("\n## ")[0]
README_CREATE, README_DEPLOY = re.findall(r"```\n(.*?)```", README, re.DOTALL)
SCALING = re.compile(r"^\| `(\w+)` \| (\d+) \((\d+)\) \| (\d+) MB \| (\d+) s \| .+ \|$", re.MULTILINE)
COST = re.compile(r"^\| (\d+) MB \| ([\d.]+) \+ ([\d.]+) = ([\d.]+) \|$", re.MULTILINE)
APP = "thunder-backend-staging"
SECRETS = {"thunder-db-staging": "staging.env", "thunder-db": "production.env"}
SECONDS = 600


def test_the_commands_of_a_deployment_run_as_printed(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    """Staging is behind PgBouncer, production is not. For production, only its secret and its first deploy run."""
    names = ("operations_staging", "operations_production")
    staging, production = (postgres.create_database(name) for name in names)

    async def run(pooled: str) -> None:
        async with asyncio.timeout(SECONDS), Plane(web_endpoint_cap=STARTER_ENDPOINTS) as modal:
            environment = modal.cli_env()
            await run_shell(CREATE, tmp_path, environment, typed=f"{pooled}\n")
            with (tmp_path / "staging.env").open("a", encoding="utf-8") as settings:
                settings.write(f"DATABASE_URL_DIRECT={staging}\n")
            await run_shell(CHANGE, tmp_path, environment)
            for command in DEPLOYS:
                await run_shell(command, ROOT, environment)
            await run_shell(README_CREATE, tmp_path, environment, typed=f"{production}\n")
            await run_shell(README_DEPLOY, ROOT, environment)
            apps = (APP, "thunder-backend")
            assert {app["name"] for app in modal.apps.values()} == {*apps, *(f"{app}-chores" for app in apps)}
            for name, file in SECRETS.items():
                assert modal.secrets["main", name] == dotenv_values(tmp_path / file)
                assert (tmp_path / file).stat().st_mode & 0o777 == 0o600

    lend_programs(tmp_path)
    with run_pgbouncer(postgres, tmp_path) as port:
        asyncio.run(run(pooled_dsn(port, names[0])))
    for database, app in ((staging, APP), (production, "thunder-backend")):
        with psycopg.connect(database) as conn:
            assert conn.execute("select app_name from environment").fetchone() == (app,)
    for name in names:
        postgres.drop_database(name)


def name_production(command: str) -> str:
    return command.replace("db-staging", "db").replace("staging", "production")


def test_the_document_has_the_commands() -> None:
    assert [command.split()[0] for command in DEPLOYS] == ["make", f"MODAL_APP_NAME={APP}", f"MODAL_APP_NAME={APP}"]


def test_the_documents_create_a_secret_with_the_same_commands() -> None:
    assert SECRETS_BLOCKS[0] == CREATE
    assert (name_production(CREATE), name_production(DEPLOYS[0])) == (README_CREATE, README_DEPLOY)


def test_no_document_has_a_secret_in_a_command_line() -> None:
    """Every `modal secret create` reads a file, so no value is in the history of a shell."""
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for command in re.findall(r"^.*bin/modal secret create .*$", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(r"create [\w-]+ --from-dotenv \w+\.env( --force)?$", command), f"{path.name}: {command}"


@pytest.mark.parametrize("name", ["OPERATIONS.md", "SECRETS.md", "BACKUP.md", "ops/RUNBOOK.md"])
def test_a_block_of_commands_runs_in_a_test_or_says_that_it_does_not(name: str) -> None:
    """The tests run blocks marked `sh`. Blocks without a mark have commands that the tests can't run."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"([^\n]*)\n+ *```(\w*)\n.*?```", text, re.DOTALL)
    assert len(blocks) > 1
    silent = [before for before, language in blocks if not language and "not run by the tests" not in before]
    assert (silent, {language for _, language in blocks} - {"", "sh", "text", "ini", "yaml"}) == ([], set())


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
