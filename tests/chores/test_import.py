"""`manage.py import`: exported traces and those of an engine are stored value for value, once."""

import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.access.hasher import Hasher
from core.database import pool
from core.errors import InvalidInputError
from core.transfer.export_line import Origin, flatten, read_line, write_line
from core.transfer.import_items import MAX_OUTAGES
from core.wire.zstandard import zstd
from tests.support.client import Client
from tests.support.command import Command
from tests.support.documents import TRACES, load_trace, make_document, number, one_token, trace_names
from tests.support.environment import ROOT
from tests.support.keys import SECRET, label
from tests.support.servers import Serve

MOMENT = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
KEY = "sk-user-0123456789abcdef"


def write_lines(name: str, *documents: Any) -> Path:
    path = Path(name)
    path.write_bytes(b"".join(json.dumps(document).encode() + b"\n" for document in documents))
    return path


def small(request_id: str, **request: Any) -> Any:
    return make_document(request_id, number(one_token()), request=request)


def ids(sql: psycopg.Connection) -> list[str]:
    return [name for (name,) in sql.execute("select request_id from requests order by id")]


@pytest.fixture
def second(second_url: str) -> Any:
    with psycopg.connect(second_url, autocommit=True) as conn:
        yield conn


def dump(conn: psycopg.Connection, table: str) -> list[Any]:
    """Return the rows of a table without what an import cannot restore: ids, times of ingest and the poster."""
    leave = "'{ingested_at,posted_by,stored_xid,id,request_pk,block_id,document,log,document_bytes}'::text[]"
    own = "r.request_id" if table == "requests" else "(select q.request_id from requests q where q.id = r.request_pk)"
    statement = f"select {own}, to_jsonb(r) - {leave} from {table} r order by 1, 2"
    return conn.execute(statement.encode()).fetchall()


def test_export_then_import_restores_the_same_requests(
    client: Client, second_client: Client, sql: psycopg.Connection, second: psycopg.Connection, manage: Command
) -> None:
    database_url, second_url = sql.info.dsn, second.info.dsn
    for name in trace_names():
        assert client.ingest(load_trace(name)).status == 201
    assert client.ingest(small("owned", user_api_key=KEY, active_mod_name=f"nudge@{KEY}")).status == 201
    assert client.ingest(small("short", user_api_key="bob")).status == 201
    assert manage("export", "--what", "traces", "--output", "all.jsonl.zst", on=database_url).exit_code == 0
    done = manage("import", "all.jsonl.zst", on=second_url)
    assert done.exit_code == 0, done.output
    count = len(trace_names()) + 2
    assert done.stderr == f"{count} ok\n"
    tables = ("requests", "request_steps", "step_logit_summaries", "mod_calls", "mod_logs", "actions")
    for table in tables:
        assert dump(sql, table) == dump(second, table) != [], table
    for request_id in ids(sql):
        assert client.get(f"/logs/{request_id}/trace").json == second_client.get(f"/logs/{request_id}/trace").json
        logs = [one.log(request_id) for one in (client, second_client)]
        assert logs[0] == logs[1]
    for key, own in ((KEY, "owned"), ("bob", "short")):
        answer = second_client.request("GET", "/logs", x_api_key=key)
        assert [row["request_id"] for row in answer.json["data"]] == [own], "the user's own key finds it"


def test_a_second_import_skips_stored_traces(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    assert manage("import", TRACES, on=database_url).exit_code == 0
    again = manage("import", TRACES, on=database_url)
    assert (again.exit_code, again.stderr) == (0, f"{len(trace_names())} skipped\n")
    assert sql.execute("select max(revision) from requests").fetchone() == (1,)


def test_traces_posted_over_http_are_skipped_too(client: Client, database_url: str, manage: Command) -> None:
    documents = [small("a", user_api_key=KEY), small("b", user_api_key="bob"), small("c")]
    for document in documents:
        assert client.ingest(document).status == 201
    done = manage("import", write_lines("x.jsonl", *documents), on=database_url)
    assert done.stdout == "skipped a\nskipped b\nskipped c\n"


def test_an_interrupted_import_can_be_continued(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    whole = write_lines("whole.jsonl", *(load_trace(name) for name in trace_names())).read_bytes()
    packed = gzip.compress(whole, mtime=0)
    Path("cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    first = manage("import", "cut.jsonl.gz", on=database_url)
    came = len(ids(sql))
    assert 0 < came < len(trace_names())
    assert first.exit_code == 1
    assert f"failed: cut.jsonl.gz after line {came}: the compressed file is damaged or truncated" in first.stdout
    second = manage("import", "whole.jsonl", on=database_url)
    assert (second.exit_code, second.stderr) == (0, f"{len(trace_names()) - came} ok, {came} skipped\n")


def test_a_killed_import_can_be_continued(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    lines = write_lines("x.jsonl", *(small(f"r{number}") for number in range(6))).read_bytes().splitlines(keepends=True)
    with subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "import", "-"],
        env={**os.environ, "DATABASE_URL": database_url, "THUNDER_SECRET": SECRET},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"".join(lines[:3]))
        process.stdin.flush()
        assert [process.stdout.readline() for _ in range(3)] == [b"ok r0\n", b"ok r1\n", b"ok r2\n"]
        process.kill()
    again = manage("import", "x.jsonl", on=database_url)
    assert (again.exit_code, again.stderr) == (0, "3 ok, 3 skipped\n")
    assert ids(sql) == [f"r{number}" for number in range(6)]


def test_another_trace_with_the_id_is_replaced_only_on_request(
    client: Client, database_url: str, manage: Command
) -> None:
    assert client.ingest(small("a", model="old")).status == 201
    path = write_lines("x.jsonl", small("a", model="new"))
    kept = manage("import", path, on=database_url)
    assert kept.stdout == "conflict a (another trace has this id; --on-conflict replace replaces it)\n"
    assert (kept.exit_code, kept.stderr) == (3, "1 conflict\n")
    assert client.log("a")["model_id"] == "old"
    replaced = manage("import", "--on-conflict", "replace", path, on=database_url)
    assert (replaced.exit_code, replaced.stdout, replaced.stderr) == (0, "replaced a\n", "1 replaced\n")
    assert client.log("a")["model_id"] == "new"
    for choice in ("replace", "skip"):
        equal = manage("import", "--on-conflict", choice, path, on=database_url)
        assert (equal.exit_code, equal.stdout) == (0, "skipped a\n")


def test_the_same_document_of_another_owner_is_a_conflict(client: Client, database_url: str, manage: Command) -> None:
    assert client.ingest(small("a", user_api_key=KEY)).status == 201
    assert client.ingest(small("b")).status == 201
    own, others = (small("a", user_api_key=key) for key in (KEY, "sk-user-of-somebody-else"))
    path = write_lines("x.jsonl", own, others, small("b", model="new"), {"request": {}})
    done = manage("import", path, on=database_url)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["skipped", "conflict", "conflict", "failed:"]
    assert (done.exit_code, done.stderr) == (1, "1 skipped, 2 conflict, 1 failed\n"), (
        "a failure takes precedence over a conflict"
    )


SMALL = b'{"request": {"request_id": "x"}}'
FORGED = write_line(SMALL, Origin(b"\1" * 32, "ab…#ffffffffffff", MOMENT, "abcdefghijkl")).rstrip()
EXPORTED = write_line(SMALL, Origin(None, None, MOMENT, "abcdefghijkl")).rstrip()
HOSTILE = [
    (b"not json", "body: not JSON"),
    (b'{"request": {}}', "request.request_id: is required"),
    (b"[1, 2]", "body: not a JSON object"),
    (b'{"request": {"request_id": "x"}, "events": [' + b"[" * 100_000, "nested too deeply"),
    (b"\xff\xfe{}", "body: not"),
    (b'{"request": {"request_id": "../x"}}', "can't contain a slash"),
    (b'{"request": {"request_id": "x"}} {"request": {"request_id": "y"}}', "body: not JSON"),
    (FORGED, "the label does not match the owner"),
    (EXPORTED.replace(b'"x"', b'"y"'), "the line changed after it was exported"),
    (EXPORTED.replace(b"thunder_export", b"thunder_expor?"), "the line changed after it was exported"),
    (EXPORTED.replace(b"2025-01", b"2025-02"), "the line changed after it was exported"),
    (b'{"request": {"request_id": "x", "final_text": "' + b"a" * (2 * 1024**2) + b'"}}', "MAX_BODY_MB"),
]  # fmt: skip


def test_a_bad_line_is_named_and_does_not_affect_the_others(
    database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    good = [f"r{number}" for number in range(len(HOSTILE))]
    lines = [
        line
        for name, (bad, _) in zip(good, HOSTILE, strict=True)
        for line in (bad, b"", json.dumps(small(name)).encode())
    ]
    Path("x.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))
    done = manage("import", "x.jsonl", on=database_url, MAX_BODY_MB="1")
    assert done.exit_code == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("failed: ")]
    assert len(failed) == len(HOSTILE), done.stdout
    for place, (told, (_, sentence)) in enumerate(zip(failed, HOSTILE, strict=True)):
        assert told.startswith(f"failed: x.jsonl line {3 * place + 1}: ")
        assert sentence in told
    assert ids(sql) == good
    assert done.stderr == f"{len(HOSTILE)} ok, {len(HOSTILE)} failed\n"


def test_a_folder_is_read_in_order_with_its_compressed_files(
    database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    folder = Path("engine/deep")
    folder.mkdir(parents=True)
    pretty = json.dumps(small("pretty"), indent=2).encode()
    (folder / "a.json").write_bytes(pretty)
    (folder / "b.json.gz").write_bytes(gzip.compress(json.dumps(small("packed"), indent=1).encode()))
    (folder / "c.ndjson.zst").write_bytes(zstd.compress(json.dumps(small("line")).encode()))
    (folder / "d.txt").write_text("no trace")
    (folder / ".e.json").write_text("hidden")
    done = manage("import", "engine", on=database_url)
    assert (done.exit_code, ids(sql)) == (0, ["pretty", "packed", "line"]), done.output
    assert manage("import", "engine", on=database_url).stderr == "3 skipped\n"
    Path("empty").mkdir()
    assert "failed: empty: no .json" in manage("import", "empty", on=database_url).stdout


def test_standard_input_is_read(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    lines = b"\n".join(json.dumps(small(name)).encode() for name in "ab")
    assert manage("import", "-", on=database_url, stdin=lines).exit_code == 0
    assert manage("import", "-", on=database_url, stdin=gzip.compress(lines)).stderr == "2 skipped\n"
    assert ids(sql) == ["a", "b"]


def test_a_label_restores_its_owner(client: Client, database_url: str, manage: Command) -> None:
    assert client.ingest(small("a", user_api_key=KEY)).status == 201
    document = small("b", user_api_key=label(KEY))
    assert manage("import", write_lines("x.jsonl", document), on=database_url).stdout == "ok b\n"
    shown = client.request("GET", "/logs", x_api_key=KEY).json["data"]
    assert [(row["request_id"], row["user_api_key"]) for row in shown] == [("b", label(KEY)), ("a", label(KEY))]


def test_a_trace_with_an_unknown_label_belongs_to_the_admins(
    client: Client, database_url: str, second_url: str, manage: Command, second: psycopg.Connection
) -> None:
    assert client.ingest(small("a", user_api_key=KEY)).status == 201
    manage("export", "--what", "traces", "--output", "x.jsonl", on=database_url)
    lost = manage("import", "x.jsonl", on=second_url, THUNDER_SECRET="another")
    assert lost.stdout == "ok a (its user's label is unknown in this database)\n"
    owner = "select user_key_hmac, user_key_label from requests"
    assert second.execute(owner).fetchone() == (None, None)
    # The secret of the export shows that the label belongs to another user.
    found = manage("import", "--on-conflict", "replace", "x.jsonl", on=second_url)
    assert found.stdout == "replaced a\n"
    assert second.execute(owner).fetchone() == (Hasher(SECRET.encode()).hash_user_key(KEY), label(KEY))


def test_a_trace_without_a_label_keeps_its_owner(
    client: Client, database_url: str, second_url: str, manage: Command, second: psycopg.Connection
) -> None:
    body = json.dumps({"name": "engine", "scopes": ["ingest"], "allowed_api_key": KEY}).encode()
    key = client.post_bytes("/auth/keys", body, x_api_key=client.key).json["api_key"]
    assert client.ingest(small("a"), x_api_key=key).status == 201
    manage("export", "--what", "traces", "--output", "x.jsonl", on=database_url)
    assert manage("import", "x.jsonl", on=second_url).stdout == "ok a\n"
    assert second.execute("select user_key_label from requests").fetchone() == (label(KEY),)
    assert manage("import", "x.jsonl", on=database_url).stdout == "skipped a\n"


def test_an_unreachable_database_ends_an_import(
    manage: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "CHECKOUT_TIMEOUT_S", 0.5)
    names = [f"r{number}" for number in range(MAX_OUTAGES + 5)]
    path = write_lines("x.jsonl", *map(small, names))
    done = manage("import", path, on=f"postgresql://u:hunter2@/none?host={tmp_path}")
    assert done.exit_code == 1
    assert done.stdout.count("failed: ") <= MAX_OUTAGES
    assert "Traceback" not in done.output
    assert "hunter2" not in done.output


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
    for url, told in ((client.url, "key: may not post"), ("http://127.0.0.1:1", "does not answer")):
        done = manage("import", "--url", url, "--key", "k", path)
        assert told in done.stdout
        assert done.exit_code == 1
        assert done.stdout.count("failed: ") == MAX_OUTAGES
        assert "run the import again later" in done.stderr


@pytest.mark.parametrize("ending", ["", " ", "\n", "\r\n \t"])
def test_a_line_contains_the_document(ending: str) -> None:
    document = (
        '{"request": {"request_id": "r", "final_text": "a}\\n,\\"thunder_export\\":"},\n "x": 1.50}' + ending
    ).encode()
    owner = bytes(range(32))
    whose = Origin(owner, f'a}}"{{…#{owner.hex()[:12]}', MOMENT, "abcdefghijkl")
    line = write_line(document, whose)
    assert line.count(b"\n") == 1
    assert read_line(line.removesuffix(b"\n")) == (flatten(document), whose)
    assert json.loads(line)["request"] == json.loads(document)["request"]
    assert read_line(document) == (document, None)


@given(place=st.integers(0, len(EXPORTED) - 1), byte=st.integers(0, 255), kind=st.sampled_from(["set", "add", "cut"]))
@settings(max_examples=1000, deadline=None)
def test_a_line_with_one_damaged_byte_is_rejected(place: int, byte: int, kind: str) -> None:
    rest = EXPORTED[place + (kind != "add") :]
    damaged = EXPORTED[:place] + (b"" if kind == "cut" else bytes([byte])) + rest
    assume(damaged != EXPORTED)
    with pytest.raises(InvalidInputError, match="the line changed after it was exported"):
        read_line(damaged)


def test_only_the_last_owner_of_a_line_counts() -> None:
    forged = write_line(b'{"request": {}}', Origin(b"\1" * 32, f"ab…#{'01' * 6}", MOMENT, "abcdefghijkl")).rstrip()
    line = write_line(forged, Origin(None, None, MOMENT, "abcdefghijkl")).rstrip()
    assert read_line(line) == (forged, Origin(None, None, MOMENT, "abcdefghijkl"))
    with pytest.raises(InvalidInputError):
        read_line(forged.replace(b"0101", b"0202", 1))


def test_an_unreadable_file_is_one_sentence(database_url: str, manage: Command) -> None:
    Path("folder").mkdir()
    Path("folder/a.jsonl").symlink_to("nowhere")
    write_lines("folder/b.jsonl", small("b"))
    done = manage("import", "folder", on=database_url)
    assert "ok b\n" in done.stdout
    assert manage("import", "missing.jsonl", on=database_url).exit_code == 2
