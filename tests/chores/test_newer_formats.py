"""Documents in a format of a newer version: every reader refuses them, and none answers with wrong bytes."""

import psycopg
import pytest

from core.alerts.prompt import read_user_prompt
from core.wire.zstandard import compress
from tests.support.client import Client, send
from tests.support.command import Command
from tests.support.documents import load_trace
from tests.support.imports import write_lines
from tests.support.keys import ADMIN_KEY

ID = "smollm2-plain-greedy"
NEWER = "a newer version of Thunder stored it (format 99)"
WRONG = b'{"request": {"request_id": "other", "final_text": "wrong"}}'
FRAMES = {"a frame of zstd": compress([WRONG]), "another kind": b"\x00\x01"}


@pytest.fixture(params=list(FRAMES))
def token(client: Client, sql: psycopg.Connection, request: pytest.FixtureRequest) -> str:
    """The token of a link to a request whose document has an unknown format."""
    client.ingest(load_trace("plain-greedy"))
    token: str = send(client, "POST", f"/logs/{ID}/public", ADMIN_KEY).json["public_token"]
    # The next version of the request, so that no process has rendered it.
    sql.execute("update request_traces set format = 99, document = %s", [FRAMES[request.param]])
    sql.execute("update requests set revision = 2, scoring_version = 0")
    return token


def test_every_route_that_reads_a_document_answers_503(client: Client, token: str) -> None:
    paths = [
        f"/logs/{ID}",
        f"/logs/{ID}/trace",
        f"/v1/confidence/{ID}",
        f"/v1/confidence/{ID}/spans",
        f"/share/request/{token}",
    ]
    for path in paths:
        for encoding in ("identity", "zstd"):
            answer = client.request("GET", path, None, x_api_key=ADMIN_KEY, accept_encoding=encoding)
            assert (answer.status, NEWER in answer.json["error"]) == (503, True), path
    assert client.get("/logs").json["data"][0]["request_id"] == ID, "the columns can still be read"


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "--what", "traces", "--output", "out.jsonl"],
        ["export", "--what", "steps", "--output", "out.jsonl"],
        ["rescore"],
        ["verify-deletion", "some-id"],
    ],
)
def test_every_chore_that_reads_documents_fails(
    database_url: str, token: str, manage: Command, arguments: list[str]
) -> None:
    del token
    done = manage(*arguments, on=database_url)
    assert (done.exit_code, NEWER in done.output) == (1, True), done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("on_conflict", ["skip", "replace"])
def test_an_import_replaces_no_document_of_a_newer_version(
    database_url: str, token: str, manage: Command, sql: psycopg.Connection, on_conflict: str
) -> None:
    del token
    before = sql.execute("select format, document from request_traces").fetchall()
    write_lines("one.jsonl", load_trace("plain-greedy"))
    done = manage("import", "one.jsonl", "--on-conflict", on_conflict, on=database_url)
    assert (done.exit_code, NEWER in done.output) == (1, True), done.output
    assert sql.execute("select format, document from request_traces").fetchall() == before


def test_a_webhook_contains_no_prompt_of_a_newer_version() -> None:
    assert all(read_user_prompt(frame, 99) is None for frame in FRAMES.values())
