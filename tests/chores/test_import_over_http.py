"""`manage.py import --url` posts to a server."""

import json
from pathlib import Path

from core.transfer.import_items import MAX_OUTAGES
from tests.support.client import Client
from tests.support.command import Command
from tests.support.imports import EXPORTED, KEY, small, write_lines
from tests.support.keys import SECRET
from tests.support.servers import Serve


def test_traces_posted_over_http_are_skipped_too(client: Client, database_url: str, manage: Command) -> None:
    documents = [small("a", user_api_key=KEY), small("b", user_api_key="bob"), small("c")]
    for document in documents:
        assert client.ingest(document).status == 201
    done = manage("import", write_lines("x.jsonl", *documents), on=database_url)
    assert done.stdout == "skipped a\nskipped b\nskipped c\n"


def test_over_http_traces_are_posted_and_stored_ones_skipped(
    client: Client, second_client: Client, database_url: str, manage: Command
) -> None:
    documents = [small("a", user_api_key=KEY), small("b", user_api_key="bob"), small("c")]
    path = write_lines("x.jsonl", *documents)
    to = ("--url", second_client.url, "--key", second_client.key)
    assert manage("import", *to, path).stdout == "ok a\nok b\nok c\n"
    assert manage("import", *to, path).stderr == "3 skipped\n"
    write_lines("x.jsonl", small("a", user_api_key=KEY), small("c", model="new"))
    kept = manage("import", *to, path)
    assert kept.stdout == "skipped a\nconflict c (another trace has this id; --on-conflict replace replaces it)\n"
    assert kept.exit_code == 3
    assert second_client.log("c")["model_id"] != "new"
    write_lines("x.jsonl", small("c", model="new"), small("bad", temperature="hot"))
    done = manage("import", *to, "--on-conflict", "replace", path)
    assert done.exit_code == 1
    assert done.stdout.startswith("replaced c\nfailed: x.jsonl line 2: request.temperature:")
    assert client.ingest(small("owned", user_api_key=KEY)).status == 201
    manage("export", "--what", "traces", "--output", "labelled.jsonl", on=database_url)
    labelled = manage("import", *to, "labelled.jsonl")
    assert "does not support users that are given by a label" in labelled.stdout
    assert labelled.exit_code == 1


def test_over_http_a_damaged_line_fails(second_client: Client, manage: Command) -> None:
    Path("x.jsonl").write_bytes(EXPORTED.replace(b'"x"', b'"y"') + b"\n" + EXPORTED + b"\n")
    done = manage("import", "--url", second_client.url, "--key", second_client.key, "x.jsonl")
    assert done.stdout.startswith("failed: x.jsonl line 1: thunder_export: the line changed after it was exported")
    assert (done.exit_code, done.stdout.splitlines()[1:]) == (1, ["ok x"])
    assert second_client.get("/logs/y").status == 404


def test_over_http_a_taken_id_is_a_conflict(client: Client, manage: Command) -> None:
    assert client.ingest(small("a", user_api_key=KEY)).status == 201
    body = json.dumps({"name": "engine", "scopes": ["ingest", "read"], "allowed_api_key": "bob"}).encode()
    bound = client.post_bytes("/auth/keys", body, x_api_key=client.key).json["api_key"]
    to = ("--url", client.url, "--key", bound, write_lines("x.jsonl", small("a")))
    kept, refused = manage("import", *to), manage("import", "--on-conflict", "replace", *to)
    assert (kept.exit_code, kept.stdout.split(" (")[0]) == (3, "conflict a")
    assert (refused.exit_code, refused.stdout.startswith("failed: x.jsonl line 1: ")) == (1, True)
    assert client.log("a")["revision"] == 1


def test_over_http_a_wrong_key_or_missing_server_ends_the_import(
    serve: Serve, database_url: str, manage: Command
) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_SECRET=SECRET)
    path = write_lines("x.jsonl", *(small(f"r{number}") for number in range(9)))
    for url, problem in ((client.url, "key: may not post"), ("http://127.0.0.1:1", "does not answer")):
        done = manage("import", "--url", url, "--key", "k", path)
        assert problem in done.stdout
        assert done.exit_code == 1
        assert done.stdout.count("failed: ") == MAX_OUTAGES
        assert "run the import again later" in done.stderr
