"""The commands of docs/SECRETS.md run as printed, with an offline Modal: a secret is created, replaced and rotated."""

import asyncio
import os
import re
import sys
from pathlib import Path

from dotenv import dotenv_values

from tests.support.client import send
from tests.support.command import run_shell
from tests.support.environment import ROOT
from tests.support.fakemodal_more import Plane
from tests.support.posts import post
from tests.support.servers import server_thread

DOCUMENT = (ROOT / "docs" / "SECRETS.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
NAME = "thunder-db-staging"
USER = "a user's key"
SECONDS = 200


def prepare(directory: Path) -> None:
    """Give a directory the programs and the code that the commands use."""
    programs = directory / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, command in (("python", ""), ("modal", "-m modal ")):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {command}"$@"\n')
        (programs / name).chmod(0o755)
    for name in ("manage.py", "core", "functions", "sql"):
        (directory / name).symlink_to(ROOT / name)


def serve_and_read(database: str, values: dict[str, str], *ids: str) -> None:
    """Serve with the values of the secret, post requests of a user, and read all of the user's with the key."""
    settings = {name: value for name, value in values.items() if name != "DATABASE_URL"}
    with server_thread(database, INGEST_AUTH="open", **settings) as client:
        post(client, *ids, user=USER)
        listed = send(client, "GET", "/logs", USER).json["data"]
        assert {row["request_id"] for row in listed} == {"first", *ids}
        assert not [one for one in client.request("GET", "/healthz").json["warnings"] if "SECRET" in one]


def test_a_secret_is_created_replaced_and_rotated(database_url: str, tmp_path: Path) -> None:
    prepare(tmp_path)
    create, replace, rotate, *checks = (block.replace("postgresql://…", database_url) for block in BLOCKS)

    async def walk() -> None:
        async with asyncio.timeout(SECONDS), Plane() as modal:
            environment = {**modal.cli_env(), "PATH": os.environ["PATH"]}
            for command in (create, replace, rotate):
                await run_shell(command, tmp_path, environment)
                values = dict(modal.secrets["main", NAME])
                assert values == dotenv_values(tmp_path / "staging.env")
                await asyncio.to_thread(serve_and_read, database_url, values, "first" if command != rotate else "last")
                for check in checks:
                    assert "matches the database" in await run_shell(check, tmp_path, {**environment, **values})
            assert values["THUNDER_SECRET_PREVIOUS"] == (tmp_path / "thunder-secret").read_text().strip()

    asyncio.run(walk())
    assert len(checks) == 2
