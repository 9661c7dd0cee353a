"""Real deployments without a network: Modal's own CLI and container runtime with tests/support/fakemodal.py."""

import asyncio
from collections.abc import Generator
from typing import Any

import aiohttp
import psycopg
import pytest

from core.database.migrations import adopt
from core.deploy.rollout import RolloutError, find_urls
from core.deploy.smoke import smoke
from core.local.postgres import EmbeddedPostgres
from tests.support.databases import TEMPLATE
from tests.support.deploys import ENDPOINTS
from tests.support.documents import load_trace, masked
from tests.support.environment import ROOT
from tests.support.fakemodal import FakeModal
from tests.support.fakemodal_more import Plane
from tests.support.keys import ADMIN_KEY, SECRET

SECONDS = 300
"""Seconds for a whole test, in which ten containers start."""
EACH_SECONDS = 600
"""Seconds for a deployment with a container for each endpoint."""
APP = "thunder-backend"

ONE = {"MODAL_LAYOUT": "one"}
STAGING = {"MODAL_APP_NAME": "thunder-backend-staging", "MODAL_SECRET_NAME": "thunder-db-staging"}
MISTAKEN = {"MODAL_APP_NAME": "thunder-backend-next", "MODAL_SECRET_NAME": "thunder-db-next"}

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


async def call(modal: FakeModal, app: str, function: str, path: str, body: object = None) -> tuple[int, Any]:
    """Call a function of an app, with POST if there is a body."""
    ids = {modal.functions[id_].function_name: id_ for id_, of in modal.app_of.items() if modal.apps[of]["name"] == app}
    url = modal.urls[ids[function], ""] + path
    headers = {"X-API-Key": ADMIN_KEY}
    method = "GET" if body is None else "POST"
    async with aiohttp.request(method, url, json=body, headers=headers) as response:
        is_json = response.content_type == "application/json"
        return response.status, await (response.json() if is_json else response.text())


async def post_and_read(modal: FakeModal, app: str, trace: Any, *, post: str = "api", read: str = "api") -> None:
    """Store a trace and read it with two functions of an app, which has no other trace."""
    mine = trace["request"]["request_id"]
    status, receipt = await call(modal, app, post, "/v1/ingest", trace)
    assert (status, receipt["request_id"]) == (201, mine)
    _, feed = await call(modal, app, read, "/logs")
    assert [row["request_id"] for row in feed["data"]] == [mine]
    assert await call(modal, app, read, f"/logs/{mine}/trace") == (200, masked(trace))


async def check_refused(modal: FakeModal, app: str) -> None:
    """Check that an app on the database of production answers 503."""
    sentence = f"database: belongs to {APP}; this app is {app}; "
    for name in ("plain-capital", "force-prefix"):
        refused = await call(modal, app, "api", "/v1/ingest", load_trace(name))
        assert (refused[0], refused[1]["error"].startswith(sentence)) == (503, True)
    refused = await call(modal, app, "api", "/v1/mods")
    assert (refused[0], refused[1]["error"].startswith(sentence)) == (503, True)
    status, health = await call(modal, app, "api", "/health")
    assert (status, health["database"]["error"].startswith(sentence)) == (503, True)
    assert (await call(modal, app, "api", "/livez"))[0] == 200


def test_environments_have_separate_traces_and_a_mistaken_one_writes_nothing(secrets: Secrets) -> None:
    """No name reveals the mistake of the third environment: its secret contains the URL of production."""
    production, staging = secrets["thunder-db"]["DATABASE_URL"], STAGING["MODAL_APP_NAME"]

    async def run() -> None:
        mistaken = {**secrets, MISTAKEN["MODAL_SECRET_NAME"]: secrets["thunder-db"]}
        async with asyncio.timeout(SECONDS), FakeModal(secrets=mistaken) as modal:
            for environment in (STAGING, ONE, MISTAKEN | ONE):
                await modal.cli("deploy", "deploy.py", cwd=str(ROOT), env=environment)
            await asyncio.gather(
                post_and_read(modal, staging, load_trace("force-prefix"), post="ingest", read="logs"),
                post_and_read(modal, APP, load_trace("plain-capital")),
            )
            for path, part in (("/", "<main"), ("/view/x", "<main"), ("/viewer/app.js", "import")):
                status, text = await call(modal, APP, "api", path)
                assert (status, part in text) == (200, True), path
            for path in ("/", "/health"):
                assert (await call(modal, staging, "logs", path))[0] == 404
            _, health = await call(modal, APP, "api", "/health")
            assert (health["status"], health["app"]) == ("ok", APP)
            before = count_rows(production)
            await check_refused(modal, MISTAKEN["MODAL_APP_NAME"])
            assert count_rows(production) == before
            assert modal.task_failures == []

    asyncio.run(run())


def count_rows(dsn: str) -> list[Any]:
    """Count the rows of each table that traces and keys fill, and the repeated posts of a trace."""
    tables = ("requests", "request_traces", "request_steps", "step_logit_summaries", "mods", "mod_calls", "api_keys")
    counts = ", ".join(f"(select count(*) from {table})" for table in tables)
    with psycopg.connect(dsn) as conn:
        return conn.execute(f"select {counts}, (select sum(revision) from requests)".encode()).fetchall()


def test_mismatched_names_register_nothing() -> None:
    async def run() -> tuple[int | None, str]:
        async with asyncio.timeout(SECONDS), FakeModal(secrets=dict.fromkeys(SECRETS, UNUSED)) as modal:
            mixed = {**STAGING, "MODAL_SECRET_NAME": "thunder-db"}
            done = await modal.cli("deploy", "deploy.py", cwd=str(ROOT), env=mixed, check=False)
            assert (modal.apps, modal.functions) == ({}, {})
            return done

    status, output = asyncio.run(run())
    assert (status, "Traceback" in output) == (1, False)
    assert "Not deployed: MODAL_APP_NAME: thunder-backend-staging does not match the secret thunder-db" in output


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


def test_every_function_of_the_layout_each_starts_with_only_what_the_image_has(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All functions start and pass the test of `make deploy`. Their URLs, files and packages are as intended."""
    monkeypatch.setattr("core.deploy.smoke.SMOKE_SECONDS", EACH_SECONDS)
    url = postgres.create_database("fakemodal_each", template=TEMPLATE)
    values = {"DATABASE_URL": url, "THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET}
    variables = {"MODAL_LAYOUT": "each", "MODAL_CPU": "share=1", "THUNDER_DEPLOYMENT": "the-new-one"}
    said: list[str] = []

    async def run() -> None:
        async with asyncio.timeout(EACH_SECONDS), Plane(secrets={"thunder-db": values}) as modal:
            with pytest.raises(RolloutError, match=r"^.* reports no URLs \(.+\); give the URL of api with --url$"):
                await asyncio.to_thread(find_urls, APP, modal.cli_env(variables))
            await modal.cli("deploy", "deploy.py", cwd=str(ROOT), env=variables)
            urls = await asyncio.to_thread(find_urls, APP, modal.cli_env(variables))
            assert urls == {name: modal.url(name) for name in ENDPOINTS}
            await asyncio.to_thread(smoke, urls, app_name=APP, deployment_id="the-new-one", say=said.append)
            assert modal.task_failures == []
            check_deployment(modal)

    asyncio.run(run())
    assert said[-1].endswith(f"({len(ENDPOINTS)} web functions tested)"), said
    postgres.drop_database("fakemodal_each")


def check_deployment(modal: FakeModal) -> None:
    """Check the URLs, the files of a container, and the installed packages."""
    dump = modal.dump()
    functions = dump["functions"]
    urls = {name: functions[name]["web"][""]["modal_url"] for name in functions.keys() - {"schedule"}}
    assert urls == {name: f"https://acme--thunder-backend-{name}.modal.run" for name in ENDPOINTS}
    assert dump["problems"] == []
    code = {path for folder in ("core", "functions") for path in (ROOT / folder).rglob("*.py")}
    folders = ("sql", "functions/viewer", "core/previews/fonts")
    rest = {path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()}
    for function in functions.values():
        assert set(function["mount_files"]) == {f"/root/{path.relative_to(ROOT)}" for path in code | rest}
    (image,) = dump["images"].values()
    installs = [command for command in image["commands"] if "pip install" in command]
    assert "--require-hashes" in installs[-1]
    uploaded = [file.data for _, built in modal.images.values() for file in built.context_files]
    assert (ROOT / "requirements-container.lock").read_bytes() in uploaded
