"""make deploy with an offline Modal: the real CLI, real containers, a real database."""

import asyncio
import json
import os
import stat
import subprocess
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from core.access.secret import WRONG_SECRET
from core.database.migrations import LATEST_VERSION
from core.deploy.commit import SHORT, Commit, find_commit
from core.deploy.names import Deployment
from core.deploy.rollout import RolloutError, name_deployment
from core.local.postgres import EmbeddedPostgres
from core.local.secrets import open_new_file
from tests.support.fakemodal_more import Plane
from tests.support.keys import SECRET
from tests.support.make_deploy import run_deploy

SECONDS = 400
APP = "thunder-backend-staging"


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Generator[str]:
    """A database without migrations."""
    yield postgres.create_database("rollout")
    postgres.drop_database("rollout")


def test_the_names_of_an_environment_follow_the_convention() -> None:
    assert name_deployment("production") == Deployment("thunder-backend", "thunder-db")
    assert name_deployment("staging") == Deployment(APP, "thunder-db-staging")
    with pytest.raises(RolloutError, match="reserved"):
        name_deployment("chores")
    for bad in ("", "Staging", "a b", "-x", "ünder", "../x"):
        with pytest.raises(RolloutError, match="lower-case"):
            name_deployment(bad)


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
    assert find_commit(tmp_path) == Commit(sha)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "ä b").write_text("1")
    changed = find_commit(tmp_path)
    assert (changed, changed and changed.tag) == (Commit(sha, ("folder/ä b",)), f"{sha[:12]}-dirty")
    (tmp_path / "file").write_text("2")
    (tmp_path / ".gitignore").write_text("folder\n")
    assert find_commit(tmp_path) == Commit(sha, ("file", ".gitignore")), "a deploy does not warn about ignored files"
    assert find_commit(tmp_path / "folder") is None, "a folder of another repository"


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
            status, output = await run_deploy(modal, "staging")
            pending = f"{LATEST_VERSION} migrations are pending"
            assert (status, pending in output, "make deploy ENV=staging MIGRATE=1" in output) == (1, True, True), output
            assert modal.deployed == {}, "the database is not migrated, so nothing is deployed"
            status, output = await run_deploy(modal, "staging", "--migrate", "--admin-key-to", str(file))
            assert status == 0, output
            assert f"{81 * 3 + 20} connections to the database (DATABASE_POOL_SIZE=3);" in output
            check_deployment(modal, output)
            key = file.read_text().strip()
            assert (key in output, stat.S_IMODE(file.stat().st_mode)) == (False, 0o600)
            await post_with_new_key(modal, output, key)
            status, output = await run_deploy(modal, "staging", "--admin-key-to", str(file))
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
    assert {tag.removesuffix("-dirty") for tag in tags} == {commit.sha[:SHORT]}
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
            status, output = await run_deploy(modal, "staging")
            assert (status, WRONG_SECRET in " ".join(output.split()), modal.deployed) == (1, True, {}), output

    asyncio.run(run())
