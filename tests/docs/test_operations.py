"""docs/OPERATIONS.md: its Modal commands run as printed, and its tables match the code. test_chores.py has the rest."""

import asyncio
import json
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from core.database.migrations import LATEST_VERSION
from core.deploy.commit import SHORT, find_commit
from core.deploy.layout import STARTER_ENDPOINTS
from core.local.postgres import EmbeddedPostgres
from functions import api
from functions.web.application import VERSION
from tests.support.command import run_shell
from tests.support.environment import ROOT
from tests.support.fakemodal_more import Plane
from tests.support.pgbouncer import pooled_dsn, run_pgbouncer

OPERATIONS = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
DEPLOY = OPERATIONS.partition("## Deploy\n")[2].partition("\n## ")[0]
CREATE, *DEPLOYS = re.findall(r"```sh\n(.*?)```", DEPLOY, re.DOTALL)
SECRETS_BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "SECRETS.md").read_text(encoding="utf-8"), re.DOTALL)
README = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Deploy it to Modal\n")[2].partition("\n## ")[0]
README_CREATE, README_DEPLOY = re.findall(r"```\n(.*?)```", README, re.DOTALL)
SCALING = re.compile(r"^\| `(\w+)` \| (\d+) \((\d+)\) \| (\d+) MB \| (\d+) s \| .+ \|$", re.MULTILINE)
COST = re.compile(r"^\| (\d+) MB \| ([\d.]+) \+ ([\d.]+) = ([\d.]+) \|$", re.MULTILINE)
APP = "thunder-backend-staging"
NAMES = {"MODAL_APP_NAME": APP, "MODAL_SECRET_NAME": "thunder-db-staging"}
SECONDS = 600


def test_the_commands_of_a_deployment_run_as_printed(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    """An environment with only a database goes online. Its first admin key creates the key of an engine, which posts.

    test_secrets.py creates and changes a secret with the printed commands.
    """
    direct, file = postgres.create_database("operations"), tmp_path / "admin-key"

    async def run(values: dict[str, str]) -> None:
        plane = Plane(secrets={"thunder-db-staging": values}, web_endpoint_cap=STARTER_ENDPOINTS)
        async with asyncio.timeout(SECONDS), plane as modal:
            environment = modal.cli_env({"ARGS": f"--admin-key-to {file}"})
            output = await run_shell(DEPLOYS[0].replace(" MIGRATE=1", ""), ROOT, environment, fails=True)
            assert f"migrations are pending ({LATEST_VERSION})" in output
            assert "make deploy ENV=staging MIGRATE=1" in output
            assert modal.deployed == {}, "the database is not migrated, so nothing is deployed"
            output = await run_shell(DEPLOYS[0], ROOT, environment)
            assert f"{81 * 3 + 20} connections to the database (DATABASE_POOL_SIZE=3);" in output
            check_deployment(modal, output)
            key = file.read_text().strip()
            assert (key in output, file.stat().st_mode & 0o777) == (False, 0o600)
            await post_with_new_key(modal, output, key)
            for command in DEPLOYS[1:]:
                await run_shell(command, ROOT, environment)
            again = await modal.cli("run", "chores.py::admin_key", "--to", str(file), cwd=str(ROOT), env=NAMES)
            assert "An admin key exists, so none was created." in again[1]
            assert file.read_text().strip() == key
            names = {app["name"] for app in modal.apps.values()}
            assert names == {APP, f"{APP}-chores"}, "no -dev URL is replaced"

    with run_pgbouncer(postgres, tmp_path) as port:
        pooled = pooled_dsn(port, "operations")
        asyncio.run(run({"DATABASE_URL": pooled, "DATABASE_URL_DIRECT": direct, "DATABASE_POOL_SIZE": "3"}))
    with psycopg.connect(direct) as conn:
        stamps = conn.execute("select app_name, secret_fingerprint is not null from environment").fetchall()
        assert stamps == [(APP, True)]
        keys = conn.execute("select name, is_admin from api_keys order by id").fetchall()
        assert keys == [("first admin key", True), ("engine-1", False)]
    postgres.drop_database("operations")


def check_deployment(modal: Plane, output: str) -> None:
    """Check the tested URL and the commit."""
    assert f"{APP} answers at {modal.url('api')} (4 web functions tested)" in output
    commit = find_commit()
    assert commit is not None
    (app,) = modal.deployed.values()
    assert (modal.apps[app]["name"], modal.apps[app]["tag"].removesuffix("-dirty")) == (APP, commit.sha[:SHORT])


async def post_with_new_key(modal: Plane, output: str, admin_key: str) -> None:
    """Create the key of an engine with the printed command, and post a trace to the printed URL."""
    scheme, _, host = modal.url("ingest").partition("://")
    assert f"Engines post to {scheme}://quote:KEY@{host}/v1/ingest" in output
    command = "curl " + output.partition("\ncurl ")[2].partition("\n")[0].replace("ADMIN_KEY", admin_key)
    made = await asyncio.to_thread(subprocess.run, ["bash", "-c", command], capture_output=True, check=True)
    engine = json.loads(made.stdout)["api_key"]
    ingest = f"{scheme}://quote:{engine}@{host}/v1/ingest"
    body = '{"request": {"request_id": "r"}, "events": []}'
    post = ["curl", "-sS", "-H", "Content-Type: application/json", "-d", body, ingest]
    posted = await asyncio.to_thread(subprocess.run, post, capture_output=True, check=True)
    assert b'"request_id":"r"' in posted.stdout, posted.stdout


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
