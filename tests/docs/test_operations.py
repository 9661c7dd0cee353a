"""docs/OPERATIONS.md: its Modal commands run as printed, and its tables match the code."""

import asyncio
import re
from pathlib import Path

import psycopg

from core.local.postgres import EmbeddedPostgres
from functions import api
from functions.web.application import VERSION
from tests.support.environment import ROOT
from tests.support.fakemodal import FakeModal
from tests.support.keys import ADMIN_KEY, SECRET

OPERATIONS = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
DEPLOY = OPERATIONS.partition("## Deploy\n")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"```sh\n(.*?)```", DEPLOY, re.DOTALL)
SCALING = re.compile(r"^\| `(\w+)` \| (\d+) \((\d+)\) \| (\d+) MB \| (\d+) s \| .+ \|$", re.MULTILINE)
COST = re.compile(r"^\| (\d+) MB \| ([\d.]+) \+ ([\d.]+) = ([\d.]+) \$ \|$", re.MULTILINE)
APP = "thunder-backend-staging"
SECONDS = 200


def test_the_commands_of_a_deployment_run_as_printed(postgres: EmbeddedPostgres) -> None:
    database = postgres.create_database("operations")
    values = {"DATABASE_URL": database, "THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET}

    async def run() -> None:
        async with asyncio.timeout(SECONDS), FakeModal(secrets={"thunder-db-staging": values}) as modal:
            # *.modal.run is not reachable here, so the check uses the local address of the same container.
            variables = {"MODAL_APP_NAME": APP, "MODAL_SECRET_NAME": "thunder-db-staging"}
            await modal.cli("deploy", "deploy.py", cwd=str(ROOT), env=variables)
            environment = modal.cli_env({"ARGS": f"--url {modal.url('api')}"})
            for command in COMMANDS:
                status, output = await shell(command, environment, ROOT)
                assert status == 0, f"{command}\n{output}"
            assert {app["name"] for app in modal.apps.values()} == {APP, f"{APP}-chores"}

    asyncio.run(run())
    with psycopg.connect(database) as conn:
        assert conn.execute("select app_name from environment").fetchone() == (APP,)
    postgres.drop_database("operations")


async def shell(command: str, environment: dict[str, str], directory: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euc",
        command,
        cwd=directory,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


def test_the_document_has_the_commands() -> None:
    assert [command.split()[0] for command in COMMANDS] == ["make", f"MODAL_APP_NAME={APP}", f"MODAL_APP_NAME={APP}"]


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
