"""The commands of docs/BACKUP.md, section "With pg_dump", run as printed between two clusters."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.local.postgres import TEST_SETTINGS, EmbeddedPostgres, start_embedded
from tests.support.client import Client, send
from tests.support.command import lend_programs
from tests.support.databases import Databases
from tests.support.documents import load_trace
from tests.support.environment import ROOT
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import server_thread

DOCUMENT = (ROOT / "docs" / "BACKUP.md").read_text(encoding="utf-8")
SECONDS = 120
USER = "quote-user-1"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """Another cluster."""
    with start_embedded(tmp_path / "other", settings=TEST_SETTINGS) as server:
        yield server


def read_commands() -> str:
    section = DOCUMENT.split("\n## With pg_dump\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 3
    return "".join(blocks)


def test_a_dump_restores_every_request_with_its_owner_and_link(
    client: Client, databases: Databases, database_url: str, other: EmbeddedPostgres, tmp_path: Path
) -> None:
    document = load_trace("plain-capital")
    document["request"]["user_api_key"] = USER
    request_id = document["request"]["request_id"]
    assert client.ingest(document).status == 201
    token = send(client, "POST", f"/logs/{request_id}/public", ADMIN_KEY).json["public_token"]
    lend_programs(tmp_path)
    empty = other.create_database("restored")
    urls = {"DATABASE_URL_DIRECT": databases.reach(database_url), "NEW_DATABASE_URL": empty}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", read_commands()],
        cwd=tmp_path,
        env={
            "PATH": f"{other.bin_dir}:{os.environ['PATH']}",
            "THUNDER_SECRET": SECRET,
            "THUNDER_ADMIN_KEY": ADMIN_KEY,
            **urls,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nrequests  1\n" in done.stdout
    assert (tmp_path / "thunder.dump").stat().st_mode & 0o077 == 0
    settings = {"DATABASE_URL_DIRECT": empty, "THUNDER_SECRET": SECRET, "THUNDER_ADMIN_KEY": ADMIN_KEY}
    with server_thread(empty, **settings) as restored:
        for path in (f"/logs/{request_id}", f"/logs/{request_id}/trace"):
            answers = [send(one, "GET", path, USER) for one in (client, restored)]
            assert (answers[0].status, answers[0].data) == (200, answers[1].data)
        assert restored.request("GET", f"/share/request/{token}").status == 200
        assert send(restored, "GET", f"/logs/{request_id}", "another-user").status in {401, 404}
