"""Real deployments without a network: Modal's own CLI and container runtime with tests/support/fakemodal.py."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from core.database.migrations import adopt
from core.local.postgres import EmbeddedPostgres
from functions import api
from tests.support.databases import TEMPLATE
from tests.support.documents import load_trace, masked
from tests.support.environment import ROOT
from tests.support.fakemodal import FakeModal
from tests.support.keys import ADMIN_KEY, SECRET

SECONDS = 300
"""Seconds for a whole test, in which seven containers start."""

PRODUCTION: dict[str, str] = {}
STAGING = {"MODAL_APP_NAME": "thunder-backend-staging", "MODAL_SECRET_NAME": "thunder-db-staging"}

Secrets = dict[str, dict[str, str]]
UNUSED = {"DATABASE_URL": "postgresql://unused"}
SECRETS = ("thunder-db", "thunder-db-staging", "thunder-db-dev")


@pytest.fixture
def secrets(postgres: EmbeddedPostgres) -> Generator[Secrets]:
    """Modal's secrets for two environments, each with its own migrated database."""
    databases = {"thunder-db": "fakemodal_production", "thunder-db-staging": "fakemodal_staging"}
    urls = {secret: postgres.create_database(name, template=TEMPLATE) for secret, name in databases.items()}
    adopt(urls["thunder-db-staging"], app_name=STAGING["MODAL_APP_NAME"])
    keys = {"THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET}
    yield {secret: {"DATABASE_URL": url, **keys} for secret, url in urls.items()}
    for name in databases.values():
        postgres.drop_database(name)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the files that a deployment needs, which tests may change."""
    for name in ("core", "functions", "sql"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("deploy.py", "requirements-container.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@asynccontextmanager
async def deploy(secrets: Secrets, *environments: dict[str, str], directory: Path = ROOT) -> AsyncGenerator[FakeModal]:
    """A Modal with deploy.py deployed once per environment. Its containers stop in the end."""
    async with asyncio.timeout(SECONDS), FakeModal(secrets=secrets) as modal:
        for environment in environments:
            await modal.cli("deploy", "deploy.py", cwd=str(directory), env=environment)
        yield modal


@pytest.fixture(scope="module")
def deployed() -> FakeModal:
    """The functions that a deployment to staging registered, without running them."""

    async def run() -> FakeModal:
        async with deploy({"thunder-db-staging": UNUSED}, {**STAGING, "MODAL_LAYOUT": "each"}) as modal:
            return modal

    return asyncio.run(run())


async def call(modal: FakeModal, app: str, function: str, path: str, body: object = None) -> tuple[int, Any]:
    """Call a function of an app, with POST if there is a body."""
    ids = {modal.functions[id_].function_name: id_ for id_, of in modal.app_of.items() if modal.apps[of]["name"] == app}
    url = modal.urls[ids[function], ""] + path
    headers = {"X-API-Key": ADMIN_KEY}
    method = "GET" if body is None else "POST"
    async with aiohttp.request(method, url, json=body, headers=headers) as response:
        is_json = response.content_type == "application/json"
        return response.status, await (response.json() if is_json else response.text())


def test_staging_and_production_have_separate_traces(secrets: Secrets) -> None:
    traces = {"thunder-backend-staging": load_trace("force-prefix"), "thunder-backend": load_trace("plain-capital")}

    async def post_and_read(modal: FakeModal, app: str) -> None:
        mine = traces[app]["request"]["request_id"]
        status, receipt = await call(modal, app, "ingest", "/v1/ingest", traces[app])
        assert (status, receipt["request_id"]) == (201, mine)
        for function in ("logs", "api"):
            _, feed = await call(modal, app, function, "/logs")
            assert [row["request_id"] for row in feed["data"]] == [mine]
            assert await call(modal, app, function, f"/logs/{mine}/trace") == (200, masked(traces[app]))
        for path, part in {"/": '<main id="main"', "/view/x": '<main id="main"', "/viewer/app.js": "import"}.items():
            status, text = await call(modal, app, "api", path)
            assert (status, part in text) == (200, True), path
        assert (await call(modal, app, "logs", "/"))[0] == 404
        _, health = await call(modal, app, "api", "/health")
        assert (health["status"], health["app"]) == ("ok", app)
        assert (await call(modal, app, "logs", "/health"))[0] == 404

    async def run() -> None:
        async with deploy(secrets, STAGING, PRODUCTION) as modal:
            await asyncio.gather(*(post_and_read(modal, app) for app in traces))
            assert modal.task_failures == []

    asyncio.run(run())


def test_a_staging_app_on_the_database_of_production_answers_503_and_writes_nothing(secrets: Secrets) -> None:
    app, production = STAGING["MODAL_APP_NAME"], secrets["thunder-db"]["DATABASE_URL"]
    # A mistake that no name reveals: the secret of staging contains the URL of production.
    mistaken = {**secrets, "thunder-db-staging": secrets["thunder-db"]}
    sentence = f"this database belongs to thunder-backend; this app is {app}; "
    paths = {"logs": "/logs", "ingest": "/v1/ingest", "api": "/v1/mods"}

    async def run() -> None:
        async with deploy(mistaken, STAGING, PRODUCTION) as modal:
            status, _ = await call(modal, "thunder-backend", "ingest", "/v1/ingest", load_trace("plain-capital"))
            assert status == 201
            before = count_rows(production)
            for name in ("plain-capital", "force-prefix"):
                refused = await call(modal, app, "ingest", "/v1/ingest", load_trace(name))
                assert (refused[0], refused[1]["error"].startswith(sentence)) == (503, True)
            for function, path in paths.items():
                refused = await call(modal, app, function, path)
                assert (refused[0], refused[1]["error"].startswith(sentence)) == (503, True), function
            status, health = await call(modal, app, "health", "/health")
            assert (status, health["database"]["error"].startswith(sentence)) == (503, True)
            assert (await call(modal, app, "health", "/livez"))[0] == 200
            assert count_rows(production) == before
            assert modal.task_failures == []

    asyncio.run(run())


def count_rows(dsn: str) -> list[Any]:
    """Count the rows of each table that traces and keys fill, and the repeated posts of a trace."""
    tables = ("requests", "request_traces", "request_steps", "step_logit_summaries", "mods", "mod_calls", "api_keys")
    counts = ", ".join(f"(select count(*) from {table})" for table in tables)
    with psycopg.connect(dsn) as conn:
        return conn.execute(f"select {counts}, (select sum(revision) from requests)".encode()).fetchall()


@pytest.mark.parametrize(
    ("command", "environment", "sentence"),
    [
        ("deploy", {**STAGING, "MODAL_SECRET_NAME": "thunder-db"}, "does not match the secret thunder-db"),
        ("serve", {**STAGING, "MODAL_SECRET_NAME": "thunder-db"}, "does not match the secret thunder-db"),
    ],
)
def test_mismatched_names_register_nothing(command: str, environment: dict[str, str], sentence: str) -> None:
    async def run() -> tuple[int | None, str]:
        async with asyncio.timeout(SECONDS), FakeModal(secrets=dict.fromkeys(SECRETS, UNUSED)) as modal:
            done = await modal.cli(command, "deploy.py", cwd=str(ROOT), env=environment, check=False)
            assert (modal.apps, modal.functions) == ({}, {})
            return done

    status, output = asyncio.run(run())
    assert (status, "Not deployed: " in output, sentence in output, "Traceback" in output) == (1, True, True, False)


def test_modal_serve_uses_its_own_environment() -> None:
    async def run() -> dict[str, Any]:
        async with asyncio.timeout(SECONDS), FakeModal(secrets=dict.fromkeys(SECRETS, UNUSED)) as modal:
            await modal.cli("serve", "deploy.py", "--timeout", "1", cwd=str(ROOT))
            return modal.dump()

    for function in asyncio.run(run())["functions"].values():
        assert function["app"] == "thunder-backend-dev"
        assert function["secrets"][0]["name"] == "thunder-db-dev"


def test_modal_serve_stops_without_a_secret_of_its_own() -> None:
    async def run() -> tuple[int | None, str]:
        async with asyncio.timeout(SECONDS), FakeModal(secrets={"thunder-db": UNUSED}) as modal:
            done = await modal.cli("serve", "deploy.py", "--timeout", "1", cwd=str(ROOT), check=False)
            assert modal.functions == {}
            return done

    status, output = asyncio.run(run())
    assert (status, "thunder-db-dev" in output) == (1, True)


def test_each_function_has_its_own_url(deployed: FakeModal) -> None:
    dump = deployed.dump()
    functions = dump["functions"]
    urls = {name: functions[name]["web"][""]["modal_url"] for name in functions.keys() - {"schedule"}}
    host = "https://acme--thunder-backend-staging"
    assert urls == {
        name: f"{host}-{name}.modal.run"
        for name in ["api", *(endpoint.__name__.rpartition(".")[2] for endpoint in api.ENDPOINTS)]
    }
    assert dump["problems"] == []


def test_a_container_contains_only_the_code_the_sql_the_viewer_and_the_fonts(deployed: FakeModal) -> None:
    code = {path for folder in ("core", "functions") for path in (ROOT / folder).rglob("*.py")}
    folders = ("sql", "functions/viewer", "core/previews/fonts")
    rest = {path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()}
    for function in deployed.dump()["functions"].values():
        assert set(function["mount_files"]) == {f"/root/{path.relative_to(ROOT)}" for path in code | rest}


def test_the_image_installs_the_lock_file_with_hashes(deployed: FakeModal) -> None:
    (image,) = deployed.dump()["images"].values()
    installs = [command for command in image["commands"] if "pip install" in command]
    assert "--require-hashes" in installs[-1]
    uploaded = [file.data for _, built in deployed.images.values() for file in built.context_files]
    assert (ROOT / "requirements-container.lock").read_bytes() in uploaded


def test_a_function_without_the_sql_folder_does_not_start(clone: Path) -> None:
    source = (clone / "deploy.py").read_text()
    mount = '.add_local_dir(HERE / "sql", "/root/sql")'
    assert mount in source
    (clone / "deploy.py").write_text(source.replace(mount, ""))

    async def run() -> tuple[int, str]:
        async with deploy({"thunder-db": UNUSED}, PRODUCTION, directory=clone) as modal:
            return await call(modal, "thunder-backend", "health", "/health")

    status, sentence = asyncio.run(run())
    assert (status, "No such file or directory" in sentence) == (500, True)


def test_a_secret_without_a_database_fails_the_deployment() -> None:
    async def run() -> None:
        async with deploy({"thunder-db": {"THUNDER_ADMIN_KEY": ADMIN_KEY}}, PRODUCTION):
            pass

    with pytest.raises(RuntimeError, match=r"is missing key.*DATABASE_URL"):
        asyncio.run(run())
