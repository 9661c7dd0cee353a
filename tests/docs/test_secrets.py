"""The commands of docs/SECRETS.md run as printed, with an offline Modal: a secret is created, changed and rotated."""

import asyncio
import os
import re
from pathlib import Path

import psycopg
from dotenv import dotenv_values

from core.database.migrations import adopt
from tests.support.client import send
from tests.support.command import lend_programs, run_shell
from tests.support.databases import Databases
from tests.support.environment import ROOT
from tests.support.fakemodal_more import Plane
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post
from tests.support.servers import server_thread

DOCUMENT = (ROOT / "docs" / "SECRETS.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
NAME, APP = "thunder-db-staging", "thunder-backend-staging"
SIGN_IN = ".venv/bin/python manage.py sign-in"
USER, OTHER = "a user's key", "another user's key"
CHOSEN = {"METRICS_TOKEN": "the token of a scraper", "RETENTION_DAYS": "400"}
"""Settings that the user adds to the file."""
SECONDS = 300


def serve_and_read(database: str, values: dict[str, str], request_id: str, user: str, known: set[str]) -> None:
    """Serve with the values of the secret, post a request of a user, and read all of the user's with the key."""
    settings = {name: value for name, value in values.items() if name != "DATABASE_URL"}
    settings |= {"INGEST_AUTH": "open", "THUNDER_APP_NAME": APP, "THUNDER_ADMIN_KEY": ADMIN_KEY}
    with server_thread(database, **settings) as client:
        post(client, request_id, user=user)
        listed = send(client, "GET", "/logs", user).json["data"]
        assert {row["request_id"] for row in listed} == known
        assert not [one for one in client.request("GET", "/healthz").json["warnings"] if "SECRET" in one]


def test_a_secret_is_created_changed_and_rotated(  # noqa: PLR0915 - the whole page, in order
    new_database_url: str, databases: Databases, tmp_path: Path
) -> None:
    direct = databases.reach(new_database_url)
    adopt(direct, app_name=APP)
    lend_programs(tmp_path)
    file = tmp_path / "staging.env"
    create, change, check, rotate, again, end, last = BLOCKS
    assert again == last == check

    async def walk() -> None:
        async with asyncio.timeout(SECONDS), Plane() as modal:
            environment = {**modal.cli_env(), "PATH": os.environ["PATH"]}

            async def use(values: dict[str, str], request_id: str, user: str, *known: str) -> str:
                ids = {request_id, *known}
                await asyncio.to_thread(serve_and_read, new_database_url, values, request_id, user, ids)
                status = await run_shell(check, tmp_path, environment)
                assert "matches the database" in status
                return status

            async def run(command: str) -> dict[str, str]:
                await run_shell(command, tmp_path, environment, typed=f"{new_database_url}\n")
                values = dict(modal.secrets["main", NAME])
                assert values == dotenv_values(file)
                assert file.stat().st_mode & 0o777 == 0o600
                return values

            async def refuse(*commands: str) -> None:
                """Check that commands fail which would lose the only copy of a value, or abandon owners."""
                before = file.read_bytes(), dict(modal.secrets["main", NAME])
                for command in commands:
                    await run_shell(command, tmp_path, environment, typed="another\n", fails=True)
                assert (file.read_bytes(), dict(modal.secrets["main", NAME])) == before

            created = await run(create)
            assert created["DATABASE_URL"] == new_database_url
            assert sorted(created) == ["DATABASE_URL", "THUNDER_ADMIN_KEY", "THUNDER_SECRET"]
            await use(created, "first", USER)
            await use(created, "other", OTHER)
            with file.open("a", encoding="utf-8") as settings:
                settings.writelines(f"{name}={value}\n" for name, value in CHOSEN.items())
            assert await run(change) == {**created, **CHOSEN}
            await refuse(create, end)

            kept = file.read_text()
            for missing in ("", "THUNDER_SECRET=\n", "THUNDER_SECRET=''\n"):
                file.write_text(kept.replace(f"THUNDER_SECRET={created['THUNDER_SECRET']}\n", missing))
                await refuse(rotate)
            file.write_text(kept)
            rotated = await run(rotate)
            moved = {"THUNDER_SECRET": rotated["THUNDER_SECRET"], "THUNDER_SECRET_PREVIOUS": created["THUNDER_SECRET"]}
            assert rotated == {**created, **CHOSEN, **moved}
            assert len(set(moved.values())) == 2
            assert "waiting   1 owner with 1 request" in await use(rotated, "last", USER, "first")
            await refuse(create, rotate, end)
            assert "waiting   no owner" in await use(rotated, "other", OTHER)

            ended = await run(end)
            assert ended == {**created, **CHOSEN, "THUNDER_SECRET": rotated["THUNDER_SECRET"]}
            assert "waiting" not in await use(ended, "last", USER, "first")
            with psycopg.connect(direct) as conn:
                assert conn.execute("select count(*) from former_owners").fetchone() == (0,)
            await refuse(create, end)
            wrong = {**environment, **ended, "THUNDER_APP_NAME": APP, "THUNDER_SECRET": "another"}
            assert "THUNDER_SECRET: " in await run_shell(SIGN_IN, tmp_path, wrong, fails=True)

    asyncio.run(walk())
    assert {one.name for one in tmp_path.iterdir() if one.is_file() and not one.is_symlink()} == {file.name}
