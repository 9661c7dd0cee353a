"""`manage.py import` reads files, folders and lines, and names what it can't read."""

import gzip
import json
from pathlib import Path

import psycopg
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.errors import InvalidInputError
from core.transfer.export_line import Origin, flatten, read_line, seal_line, write_line
from core.transfer.import_items import unwrap_line
from core.transfer.import_run import RunLine
from core.wire.zstandard import zstd
from tests.support.command import Command
from tests.support.imports import EXPORTED, MOMENT, SMALL, ids, small, write_lines

RUN = json.dumps(
    {
        "thunder_activation_run": {
            **dict.fromkeys(("user_api_key", "sae_id", "sae_layer", "error_message", "trace_request_id", "preview")),
            **dict.fromkeys(("output_tokens", "activation_rows_count", "unique_features_count", "duration_ms"), 7),
            "request_id": "r",
            "created_at": 5.5,
            "is_keyless": False,
            "prompt_chars": 1,
            "sae_enabled": True,
            "model_id": 'm,"thunder_sha256":"',
            "status": "ok",
            "top_features_preview": [1],
        }
    },
    separators=(",", ":"),
).encode()
SEALED = seal_line(RUN).rstrip()
FORGED = write_line(SMALL, Origin(b"\1" * 32, "ab…#ffffffffffff", MOMENT, "abcdefghijkl")).rstrip()
HOSTILE = [
    (b"not json", "body: not JSON"),
    (b'{"request": {}}', "request.request_id: missing; send it"),
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
    for place, (line, (_, sentence)) in enumerate(zip(failed, HOSTILE, strict=True)):
        assert line.startswith(f"failed: x.jsonl line {3 * place + 1}: ")
        assert sentence in line
    assert sorted(ids(sql)) == sorted(good)
    assert done.stderr == f"{len(HOSTILE)} ok, {len(HOSTILE)} failed\n"


def test_a_folder_is_read_in_order_with_its_compressed_files(database_url: str, manage: Command) -> None:
    folder = Path("engine/deep")
    folder.mkdir(parents=True)
    pretty = json.dumps(small("pretty"), indent=2).encode()
    (folder / "a.json").write_bytes(pretty)
    (folder / "b.json.gz").write_bytes(gzip.compress(json.dumps(small("packed"), indent=1).encode()))
    (folder / "c.ndjson.zst").write_bytes(zstd.compress(json.dumps(small("line")).encode()))
    (folder / "d.txt").write_text("no trace")
    (folder / ".e.json").write_text("hidden")
    done = manage("import", "engine", on=database_url)
    assert (done.exit_code, done.stdout) == (0, "ok pretty\nok packed\nok line\n"), done.output
    assert manage("import", "engine", on=database_url).stderr == "3 skipped\n"
    Path("empty").mkdir()
    assert "failed: empty: no .json" in manage("import", "empty", on=database_url).stdout


def test_standard_input_is_read(database_url: str, manage: Command, sql: psycopg.Connection) -> None:
    lines = b"\n".join(json.dumps(small(name)).encode() for name in "ab")
    assert manage("import", "-", on=database_url, stdin=lines).exit_code == 0
    assert manage("import", "-", on=database_url, stdin=gzip.compress(lines)).stderr == "2 skipped\n"
    assert ids(sql) == ["a", "b"]


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


def damage(line: bytes, place: int, byte: int, kind: str) -> bytes:
    """Set, add or cut a byte of a line."""
    place %= len(line)
    damaged = line[:place] + (b"" if kind == "cut" else bytes([byte])) + line[place + (kind != "add") :]
    assume(damaged != line)
    return damaged


@given(place=st.integers(0, 9999), byte=st.integers(0, 255), kind=st.sampled_from(["set", "add", "cut"]))
@settings(max_examples=500, deadline=None)
def test_a_line_with_one_damaged_byte_is_rejected(place: int, byte: int, kind: str) -> None:
    with pytest.raises(InvalidInputError, match="the line changed after it was exported"):
        read_line(damage(EXPORTED, place, byte, kind))
    with pytest.raises(InvalidInputError):
        unwrap_line(read_line(damage(SEALED, place, byte, kind))[0], RunLine)


def test_a_line_that_is_not_a_trace_contains_its_object() -> None:
    assert unwrap_line(RUN, RunLine) == unwrap_line(read_line(SEALED)[0], RunLine)
    assert read_line(SEALED) == read_line(RUN) == (RUN, None)


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
