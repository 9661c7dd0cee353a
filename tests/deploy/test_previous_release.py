"""Expand, then contract: the code of the previous release works on the present schema."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
import urllib3

from core.document.formats import FORMATS, QUOTE_FORMAT
from core.settings import Settings
from tests.support.answers import make_chat
from tests.support.chunks import make_legacy, write_events
from tests.support.client import Answer, Client, send
from tests.support.documents import load_trace, masked
from tests.support.environment import ROOT
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.pgbouncer import find_free_port
from tests.support.spans import make_export, make_inference, make_span

START_SECONDS = 30
LATEST = 5
"""The migrations that the previous code may lack."""


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def find_previous() -> str:
    """Return the latest release, else a commit before one of the latest migrations; empty without a history."""
    if shutil.which("git") is None:
        return ""
    if tag := git("describe", "--tags", "--abbrev=0", "--match", "v*"):
        return tag
    # Before the first release, migrations may be renamed. Code with other ones belongs to another schema.
    for migration in sorted((ROOT / "sql" / "migrations").glob("*.sql"), reverse=True)[:LATEST]:
        added = git("log", "--diff-filter=A", "--format=%H", "--", str(migration.relative_to(ROOT)))
        previous = git("rev-parse", "--verify", "--quiet", f"{added.splitlines()[-1]}^") if added else ""
        known = git("ls-tree", "--name-only", previous, "sql/migrations/") if previous else ""
        if known and all((ROOT / name).exists() for name in known.splitlines()):
            return previous
    return ""


PREVIOUS = find_previous()


@pytest.mark.skipif(
    not PREVIOUS, reason="no previous code of this schema: the first migrations, a shallow clone, or no history"
)
def test_the_previous_code_works_on_the_present_schema(
    client: Client, database_url: str, sql: psycopg.Connection, tmp_path: Path
) -> None:
    archive = subprocess.run(["git", "archive", PREVIOUS], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(tmp_path)], input=archive.stdout, check=True)
    port = find_free_port()
    names = {name.upper() for name in Settings.model_fields}
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in names}
    settings = {"DATABASE_URL": database_url, "THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET}
    command = [sys.executable, "-m", "uvicorn", "functions.api:web", "--factory", "--port", str(port)]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, cwd=tmp_path, env={**inherited, **settings}, stdout=log, stderr=log) as process,
        urllib3.PoolManager(retries=False, timeout=60) as pool,
    ):
        previous = Client(pool, f"http://127.0.0.1:{port}", ADMIN_KEY)
        try:
            await_start(previous, tmp_path / "log")
            exchange(previous, client)
            exchange_answers(previous, client, sql)
        finally:
            process.terminate()


def await_start(client: Client, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            assert client.request("GET", "/livez").status == 200
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        else:
            return


def exchange(previous: Client, present: Client) -> None:
    """Store traces with each server, and read, edit and replace them with the other."""
    for writer, reader, name in ((previous, present, "force-prefix"), (present, previous, "plain-capital")):
        document = load_trace(name)
        request_id = document["request"]["request_id"]
        for revision in (1, 2):
            receipt = writer.ingest(document, x_api_key=ADMIN_KEY)
            assert (receipt.status, receipt.json["revision"]) == (201, revision)
        assert reader.get(f"/logs/{request_id}/trace").json == masked(document)
        assert reader.log(request_id)["steps"] == writer.log(request_id)["steps"]
        assert send(reader, "POST", f"/logs/{request_id}/public", ADMIN_KEY).status == 200
        assert writer.request("GET", f"/logs/{request_id}").status == 200
        assert reader.ingest(document, x_api_key=ADMIN_KEY).json["revision"] == 3
    assert previous.get("/logs").json["returned"] == present.get("/logs").json["returned"] == 2
    assert previous.get("/v1/confidence/summary").status == 200


def exchange_answers(previous: Client, present: Client, sql: psycopg.Connection) -> None:
    """Store the other formats with each server, and read them with both."""
    for writer in (previous, present):
        sql.execute("truncate requests cascade")
        for path, content_type, body in (
            ("/v1/ingest", "application/json", json.dumps(make_chat("Paris", request_id="an-answer"))),
            ("/v1/ingest", "text/event-stream", write_events(make_legacy())),
            ("/v1/traces", "application/json", json.dumps(make_export(make_span(make_inference(make_chat("Rome")))))),
        ):
            stored = writer.post_bytes(path, body.encode(), content_type=content_type, x_api_key=ADMIN_KEY)
            assert stored.status in {200, 201}, stored.data
        written = sql.execute(
            "select request_id, format from requests join request_traces on request_pk = requests.id"
        ).fetchall()
        assert {number for _, number in written} == FORMATS - {QUOTE_FORMAT}, "a format is not tested"
        for request_id, _ in written:
            log = present.log(request_id)
            assert len(log["steps"]) > 0
            for path in (f"/logs/{request_id}", f"/logs/{request_id}/trace"):
                check_read(previous.get(path), present.get(path), log["steps"])


def check_read(previous: Answer, present: Answer, steps: Any) -> None:
    """Check that the previous code reads what the present code reads, or refuses a format that it does not know."""
    assert present.status == 200
    if previous.status == 503:
        assert "a newer version of Thunder stored it" in previous.json["error"]
        return
    assert previous.status == 200, previous.data
    assert previous.data == present.data or previous.json["steps"] == steps
