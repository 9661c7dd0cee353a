"""`manage.py export`: which rows it writes, and that a file is complete or missing."""

import gzip
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet
import pytest

from core.database.migrations import adopt
from core.traces.filters import NO_FILTERS
from core.transfer import store
from core.transfer.export import BATCH_ROWS, What, open_snapshot
from core.transfer.export_line import read_line
from core.wire.zstandard import zstd
from tests.support.client import Client
from tests.support.command import Command
from tests.support.documents import action, call, load_trace, make_document, number, one_token, trace_names
from tests.support.environment import ROOT
from tests.support.keys import label


def read_rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def list_here() -> list[str]:
    return [path.name for path in Path().iterdir()]


def post_all(client: Client) -> None:
    for name in trace_names():
        assert client.ingest(load_trace(name)).status == 201


def post_small(client: Client, request_id: str, **request: Any) -> None:
    events = number(one_token())
    parts = {"mod_calls": [call(0, mod="nudge")], "actions": [action("Noop")]} if "active_mod_name" in request else {}
    assert client.ingest(make_document(request_id, events, request=request, **parts)).status == 201


def test_requests_steps_and_actions_have_one_line_per_row(
    client: Client, sql: psycopg.Connection, database_url: str, manage: Command
) -> None:
    post_all(client)
    for what, table in (("requests", "requests"), ("steps", "steps"), ("actions", "handler_actions")):
        done = manage("export", "--what", what, on=database_url)
        assert done.exit_code == 0, done.output
        (count,) = sql.execute(f"select count(*) from {table}".encode()).fetchone() or (0,)
        assert len(read_rows(done.stdout)) == count > 0
        assert done.stderr == f"{count:,} {what} written to standard output\n"


def test_an_exported_request_equals_the_feed_and_its_log(client: Client, database_url: str, manage: Command) -> None:
    post_all(client)
    rows = {row["request_id"]: row for row in read_rows(manage("export", on=database_url).stdout)}
    steps = read_rows(manage("export", "--what", "steps", on=database_url).stdout)
    for shown in client.get("/logs?limit=100").json["data"]:
        row = rows[shown["request_id"]]
        assert row["created_at"].removesuffix("+00:00") == shown["created_ts"].removesuffix("Z")
        same = ("final_text", "user_api_key", "sequence_confidence", "tags", "total_steps", "active_mod")
        assert {name: row[name] for name in same} == {name: shown[name] for name in same}
        own = [step for step in steps if step["request_id"] == shown["request_id"]]
        logged = client.log(shown["request_id"])["steps"]
        assert [step["surprisal"] for step in own] == [step["surprisal"] for step in logged]


def test_keys_hashes_and_tokens_are_not_exported(client: Client, database_url: str, manage: Command) -> None:
    key = "sk-user-0123456789abcdef"
    post_small(client, "r1", user_api_key=key, active_mod_name=f"nudge@{key}")
    token = client.request("POST", "/logs/r1/public", x_api_key=client.key).json["public_token"]
    for what in What:
        done = manage("export", "--what", what.value, on=database_url)
        assert (key in done.stdout, token in done.stdout) == (False, False)
    assert label(key) in manage("export", on=database_url).stdout


@pytest.mark.parametrize("what", ["requests", "steps", "actions"])
def test_parquet_contains_the_values_of_the_lines(
    client: Client, database_url: str, manage: Command, what: str
) -> None:
    post_all(client)
    lines = read_rows(manage("export", "--what", what, on=database_url).stdout)
    done = manage("export", "--what", what, "--format", "parquet", "--output", "out.parquet", on=database_url)
    assert done.exit_code == 0, done.output
    rows = pyarrow.parquet.read_table("out.parquet").to_pylist()
    shown = [{name: v.isoformat() if hasattr(v, "isoformat") else v for name, v in row.items()} for row in rows]
    assert shown == lines


def test_parquet_without_its_package_names_the_command(
    database_url: str, manage: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = manage("export", "--format", "parquet", "--output", "out.parquet", on=database_url)
    assert (done.exit_code, "run `make parquet` first" in done.output) == (1, True), done.output
    (command,) = re.findall("make [a-z]+", done.output)
    assert subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, check=True, capture_output=True).returncode == 0
    assert list(Path().iterdir()) == []


def test_an_empty_parquet_file_has_its_columns(database_url: str, manage: Command) -> None:
    done = manage("export", "--what", "steps", "--format", "parquet", "--output", "-", on=database_url)
    table = pyarrow.parquet.read_table(io.BytesIO(done.stdout_bytes))
    assert (table.num_rows, "surprisal" in table.column_names) == (0, True)


def test_traces_cannot_be_exported_as_a_table(database_url: str, manage: Command) -> None:
    done = manage("export", "--what", "traces", "--format", "parquet", "--output", "out", on=database_url)
    assert (done.exit_code, "not available for traces" in done.stderr, list_here()) == (1, True, [])


def test_a_trace_is_exported_as_it_was_posted(client: Client, database_url: str, manage: Command) -> None:
    post_all(client)
    lines = manage("export", "--what", "traces", on=database_url).stdout_bytes.splitlines()
    assert len(lines) == len(trace_names())
    for line in lines:
        document, origin = read_line(line)
        request_id = json.loads(line)["request"]["request_id"]
        posted = client.get(f"/logs/{request_id}/trace").data
        assert document == posted.replace(b"\n", b" ").replace(b"\r", b" ")
        assert origin is not None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--model", "m1"], {"a", "b"}),
        (["--mod", "nudge"], {"b"}),
        (["--tag", "good"], {"a"}),
        (["--from", "2025-03-02"], {"b", "c"}),
        (["--to", "2025-03-02T00:00:00Z"], {"a"}),
        (["--from", "2025-03-02", "--to", "2025-03-03"], {"b"}),
        (["--user", "bob"], {"c"}),
        (["--user", "LABEL"], {"c"}),
        (["--model", "m1", "--tag", "good"], {"a"}),
        (["--model", "'; drop table requests; --"], set()),
        (["--model", "\udcff"], set()),
    ],
)
def test_filters_select_requests(
    client: Client, database_url: str, manage: Command, options: list[str], expected: set[str]
) -> None:
    post_small(client, "a", model="m1", created_at="2025-03-01T12:00:00Z")
    post_small(client, "b", model="m1", created_at="2025-03-02T12:00:00Z", active_mod_name="nudge")
    post_small(client, "c", model="m2", created_at="2025-03-03T12:00:00Z", user_api_key="bob")
    tagged = client.post_bytes("/logs/a/tags", b'{"tag": "good"}', x_api_key=client.key)
    assert tagged.status == 200
    options = [label("bob") if option == "LABEL" else option for option in options]
    for what in ("requests", "steps"):
        done = manage("export", "--what", what, *options, on=database_url)
        assert done.exit_code == 0, done.output
        assert {row["request_id"] for row in read_rows(done.stdout)} == expected
    assert len(manage("export", "--what", "traces", *options, on=database_url).stdout.splitlines()) == len(expected)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--from", "yesterday"], "--from: not a date or time"),
        (["--to", "2025-13-01"], "--to: not a date or time"),
        (["--output", "no/such/folder/file"], "No such file or directory"),
    ],
)
def test_an_invalid_option_is_one_sentence(
    database_url: str, manage: Command, options: list[str], problem: str
) -> None:
    done = manage("export", *options, on=database_url)
    assert (done.exit_code, problem in done.stderr, "Traceback" in done.output) == (1, True, False), done.output


def test_the_database_of_another_app_is_not_exported(database_url: str, manage: Command) -> None:
    adopt(database_url, app_name="thunder-backend-staging")
    done = manage("export", "--output", "out.jsonl", on=database_url)
    assert (done.exit_code, "belongs to thunder-backend-staging" in done.stderr, list_here()) == (1, True, [])


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"])
def test_the_suffix_of_the_file_selects_its_compression(
    client: Client, database_url: str, manage: Command, name: str
) -> None:
    post_small(client, "a")
    assert manage("export", "--output", name, on=database_url).exit_code == 0
    written = Path(name).read_bytes()
    unpack = {".gz": gzip.decompress, ".zst": zstd.decompress}.get(Path(name).suffix, bytes)
    assert [row["request_id"] for row in read_rows(unpack(written).decode())] == ["a"]
    assert Path(name).stat().st_mode & 0o777 == 0o600
    assert list_here() == [name]


def test_a_failed_export_keeps_the_previous_file(
    client: Client, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    post_small(client, "a")
    Path("out.jsonl").write_text("previous")
    sql.execute("update request_traces set document = '\\x00'")
    done = manage("export", "--what", "traces", "--output", "out.jsonl", on=database_url)
    assert done.exit_code == 1
    assert Path("out.jsonl").read_text() == "previous"
    assert list_here() == ["out.jsonl"]


def test_a_pipe_is_written_to_and_not_replaced(client: Client, database_url: str, manage: Command) -> None:
    post_small(client, "a")
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE) as reader:
        assert manage("export", "--output", "pipe", on=database_url).exit_code == 0
        written, _ = reader.communicate()
    assert json.loads(written)["request_id"] == "a"
    assert Path("pipe").is_fifo()


def test_a_closed_pipe_causes_no_traceback(client: Client, database_url: str, tmp_path: Path) -> None:
    post_all(client)
    with subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "export", "--what", "traces"],
        cwd=tmp_path,
        env={**os.environ, "DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr is not None
        printed = process.stderr.read()
        assert process.wait() == 1
    assert printed == b""


def test_an_export_is_one_snapshot_and_is_written_while_it_is_fetched(client: Client, database_url: str) -> None:
    for request_id in "abc":
        post_small(client, request_id)
    with open_snapshot(database_url, app_name="thunder-backend") as conn:
        cursor = store.open_export(conn, what="requests", filters=NO_FILTERS)
        batches = iter(lambda: cursor.fetchmany(2), [])
        first = next(batches)
        post_small(client, "d")
        rest = list(batches)
        cursor.close()
    assert (len(first), [len(batch) for batch in rest]) == (2, [1])
    assert max(BATCH_ROWS.values()) <= 10_000


def test_an_export_cannot_write_to_the_database(database_url: str) -> None:
    with (
        open_snapshot(database_url, app_name="thunder-backend") as conn,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        conn.execute("insert into mods (name) values ('m')")
