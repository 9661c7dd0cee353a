"""make deploy with an offline Modal: the real CLI, real containers, a real database."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from core.access.secret import WRONG_SECRET
from core.database.migrations import LATEST_VERSION
from core.deploy.commit import Commit, find_commit
from core.deploy.layout import STARTER_ENDPOINTS, explain_refusal
from core.deploy.names import Deployment
from core.deploy.rollout import RolloutError, find_urls, name_deployment, smoke
from core.local.postgres import EmbeddedPostgres
from core.local.secrets import open_new_file
from tests.support.client import Client
from tests.support.deploys import ENDPOINTS
from tests.support.environment import ROOT
from tests.support.fakemodal import FakeModal
from tests.support.fakemodal_more import Plane
from tests.support.keys import SECRET

SECONDS = 400
APP = "thunder-backend-staging"


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Generator[str]:
    """A database without migrations."""
    yield postgres.create_database("rollout")
    postgres.drop_database("rollout")


async def manage(modal: FakeModal, *arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "manage.py",
        "deploy",
        *arguments,
        cwd=ROOT,
        env=modal.cli_env(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


def name_variables() -> dict[str, str]:
    return {"MODAL_APP_NAME": APP, "MODAL_SECRET_NAME": "thunder-db-staging"}


def test_the_names_of_an_environment_follow_the_convention() -> None:
    assert name_deployment("production") == Deployment("thunder-backend", "thunder-db")
    assert name_deployment("staging") == Deployment(APP, "thunder-db-staging")
    with pytest.raises(RolloutError, match="reserved"):
        name_deployment("chores")
    for bad in ("", "Staging", "a b", "-x", "ünder", "../x"):
        with pytest.raises(RolloutError, match="lower-case"):
            name_deployment(bad)


def test_the_deployed_app_is_checked(client: Client) -> None:
    said: list[str] = []
    urls = {"api": client.url, "logs": client.url}
    smoke(urls, app_name="thunder-backend", commit=None, say=said.append)
    assert said[0].startswith("warning: INGEST_AUTH=open")
    assert said[1:] == [f"thunder-backend answers at {client.url} (2 web functions tested)"]


@pytest.mark.parametrize(
    ("app_name", "commit", "others", "message"),
    [
        ("another", None, {}, "/healthz: deployed, but it answers 200"),
        ("thunder-backend", "f" * 40, {}, "still serves None instead of ffff"),
        ("thunder-backend", None, {"ingest": "http://127.0.0.1:1"}, "the function ingest answers 0"),
    ],
)
def test_a_wrong_app_commit_or_function_fails_the_check(  # noqa: PLR0917 - fixtures and parameters
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    app_name: str,
    commit: str | None,
    others: dict[str, str],
    message: str,
) -> None:
    monkeypatch.setattr("core.deploy.rollout.SMOKE_SECONDS", 0)
    with pytest.raises(RolloutError, match=message):
        smoke({"api": client.url, **others}, app_name=app_name, commit=commit, say=print)


def test_the_commit_of_a_checkout_is_found(tmp_path: Path) -> None:
    assert find_commit(tmp_path) is None
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a"}

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), *arguments]
        return subprocess.run(
            command, env={**os.environ, **identity}, check=True, capture_output=True, text=True
        ).stdout

    git("init", "--quiet")
    assert find_commit(tmp_path) is None, "there is no commit yet"
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "--quiet", "--message", "first")
    sha = git("rev-parse", "HEAD").strip()
    assert find_commit(tmp_path) == Commit(sha, is_dirty=False)
    (tmp_path / "new").write_text("1")
    assert find_commit(tmp_path) == Commit(sha, is_dirty=False), "git does not track this file"
    (tmp_path / "file").write_text("2")
    changed = find_commit(tmp_path)
    assert (changed, changed and changed.tag) == (Commit(sha, is_dirty=True), f"{sha[:12]}-dirty")
    (tmp_path / "folder").mkdir()
    assert find_commit(tmp_path / "folder") is None, "a folder of another repository"


def test_staging_and_production_fit_in_the_starter_plan() -> None:
    unused = {"DATABASE_URL": "postgresql://unused"}
    production: dict[str, str] = {}

    async def run() -> None:
        secrets = {"thunder-db": unused, "thunder-db-staging": unused}
        async with asyncio.timeout(SECONDS), Plane(secrets=secrets, web_endpoint_cap=STARTER_ENDPOINTS) as modal:
            for environment, others in (
                (name_variables(), "have 0 web functions (none); with this one, 4 of 8"),
                (production, "have 4 web functions (thunder-backend-staging: 4); with this one, 8 of 8"),
                (production, "have 4 web functions (thunder-backend-staging: 4); with this one, 8 of 8"),
            ):
                _, output = await modal.cli("deploy", "deploy.py", cwd=str(ROOT), env=environment)
                assert "registers 4 web functions (api, health, ingest, logs)" in output
                assert others in output, output
            assert sum(map(modal.count_web, modal.deployed.values())) == STARTER_ENDPOINTS
            status, output = await modal.cli(
                "deploy", "deploy.py", cwd=str(ROOT), env={"MODAL_LAYOUT": "each"}, check=False
            )
            assert (status, "more than the 8 in a workspace" in output) == (1, True)
            before, _, _ = output.partition("reached limit of 8 web endpoints")
            assert "(thunder-backend-staging: 4); with this one, 25. If your plan allows 8, set MODAL" in before, output
            remedy = explain_refusal(output)
            assert remedy is not None
            assert "MODAL_LAYOUT=grouped" in remedy

    asyncio.run(run())
    assert explain_refusal("some other error") is None


def test_all_functions_of_the_layout_are_found_for_the_test() -> None:
    async def run() -> None:
        async with asyncio.timeout(SECONDS), Plane(secrets={"thunder-db-staging": {"DATABASE_URL": "unused"}}) as modal:
            layout = {**name_variables(), "MODAL_LAYOUT": "each", "MODAL_CPU": "share=1"}
            with pytest.raises(RolloutError, match="Modal reports no URLs"):
                await asyncio.to_thread(find_urls, APP, modal.cli_env(layout))
            await modal.cli("deploy", "deploy.py", cwd=str(ROOT), env=layout)
            urls = await asyncio.to_thread(find_urls, APP, modal.cli_env(layout))
            assert urls == {name: modal.url(name) for name in ENDPOINTS}

    asyncio.run(run())


def test_an_environment_with_only_a_database_goes_online_when_it_is_migrated(empty: str, tmp_path: Path) -> None:
    """The first deploy creates an admin key, which creates the key of an engine; the second deploy creates none.

    tests/docs/test_operations.py deploys with a configured admin key.
    """
    file = tmp_path / "admin-key"

    async def run() -> None:
        async with (
            asyncio.timeout(2 * SECONDS),
            Plane(secrets={"thunder-db-staging": {"DATABASE_URL": empty, "DATABASE_POOL_SIZE": "3"}}) as modal,
        ):
            status, output = await manage(modal, "staging")
            pending = f"{LATEST_VERSION} migrations are pending"
            assert (status, pending in output, "make deploy ENV=staging MIGRATE=1" in output) == (1, True, True), output
            assert modal.deployed == {}, "the database is not migrated, so nothing is deployed"
            status, output = await manage(modal, "staging", "--migrate", "--admin-key-to", str(file))
            assert status == 0, output
            assert f"{81 * 3 + 20} connections to the database (DATABASE_POOL_SIZE=3);" in output
            check_deployment(modal, output)
            key = file.read_text().strip()
            assert (key in output, stat.S_IMODE(file.stat().st_mode)) == (False, 0o600)
            await post_with_new_key(modal, output, key)
            status, output = await manage(modal, "staging", "--admin-key-to", str(file))
            assert (status, "An admin key exists, so none was created." in output) == (0, True), output
            assert file.read_text().strip() == key

    asyncio.run(run())
    with psycopg.connect(empty) as conn:
        assert conn.execute("select app_name from environment").fetchone() == (APP,)
        keys = conn.execute("select name, is_admin from api_keys order by id").fetchall()
        assert keys == [("first admin key", True), ("engine-1", False)]
        assert conn.execute("select count(*) from environment where secret_fingerprint is not null").fetchone() == (1,)


def check_deployment(modal: Plane, output: str) -> None:
    """Check the tested URL, the commit, and the names of the apps."""
    assert f"{APP} answers at {modal.url('api')} (4 web functions tested)" in output
    commit = find_commit()
    assert commit is not None
    tags = {modal.apps[app]["tag"] for app in modal.deployed.values()}
    assert (tags, "warning: the working tree" in output) == ({commit.tag}, commit.is_dirty)
    assert {modal.apps[app]["name"] for app in modal.deployed.values()} == {APP}
    names = {app["name"] for app in modal.apps.values()}
    assert names == {APP, f"{APP}-chores"}, "no -dev URL is replaced"


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


def test_a_failed_call_leaves_no_file_for_the_key(tmp_path: Path) -> None:
    file = tmp_path / "admin-key"
    with pytest.raises(ZeroDivisionError), open_new_file(file):
        1 / 0  # noqa: B018 - fails
    assert not file.exists()


def test_a_deploy_with_another_secret_is_refused(database_url: str, sql: psycopg.Connection) -> None:
    sql.execute("update environment set secret_fingerprint = 'of another', app_name = %s", [APP])
    secrets = {"thunder-db-staging": {"DATABASE_URL": database_url, "THUNDER_ADMIN_KEY": "k", "THUNDER_SECRET": SECRET}}

    async def run() -> None:
        async with asyncio.timeout(SECONDS), Plane(secrets=secrets) as modal:
            status, output = await manage(modal, "staging")
            assert (status, WRONG_SECRET in " ".join(output.split()), modal.deployed) == (1, True, {}), output

    asyncio.run(run())
