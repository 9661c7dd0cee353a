"""Runs in the commands of manage.py: deletion, retention, proof of deletion, export and import."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.activations.conftest import OWNER, Place
from tests.support.client import send
from tests.support.command import Command
from tests.support.keys import ADMIN_KEY, label

EXPORT = ("export", "--what", "activations", "--output", "runs.jsonl")


def list_ids(place: Place) -> set[str]:
    return {item["request_id"] for item in place.read("/runs", ADMIN_KEY)["items"]}


def test_the_runs_of_a_user_are_deleted_with_the_user(
    place: Place, manage: Command, owner_key: str, stranger_key: str
) -> None:
    place.hf.post_to = None
    for name, key in {"own": owner_key, "strange": stranger_key, "keyless": None, "admin": ADMIN_KEY}.items():
        place.run(key, request_id=name)
    done = manage("delete", "--user-key", label(OWNER), "--yes", on=place.url)
    assert done.exit_code == 0, done.output
    assert list_ids(place) == {"strange", "keyless", "admin"}
    assert place.read("/runs", owner_key)["items"] == []
    assert place.sql.execute("select count(*) from activation_previews").fetchone() == (3,)
    assert manage("delete", "--user-key", OWNER, "--yes", on=place.url).exit_code == 3


def test_old_runs_are_deleted_except_those_of_held_traces(place: Place, manage: Command) -> None:
    held = place.run(request_id="held")["run_summary"]["trace_request_id"]
    place.run(request_id="old")
    place.hf.post_to = None
    place.run(request_id="untraced")
    place.run(request_id="new")
    assert send(place.client, "PUT", f"/logs/{held}/hold", ADMIN_KEY, reason="a case").status == 200
    old = "update activation_runs set created_at = now() - interval '3 days' where request_id <> 'new'"
    place.sql.execute(old)
    done = manage("delete", "--older-than", "2d", "--yes", on=place.url)
    assert done.exit_code == 0, done.output
    assert list_ids(place) == {"held", "new"}


def test_a_proof_of_deletion_searches_the_runs(place: Place, manage: Command) -> None:
    place.hf.post_to = None
    place.hf.change = lambda answer: {**answer, "more": ["about gone-request"]}
    place.run(request_id="about-it", prompt="tell me of gone-request")
    place.hf.post_to = place.client
    place.hf.post_trace("gone-request")
    assert send(place.client, "DELETE", "/logs/gone-request", ADMIN_KEY).status == 200
    done = manage("verify-deletion", "gone-request", on=place.url)
    assert "activation_previews.prompt: 1" in done.stdout
    assert "activation_previews, stored answers: 1" in done.stdout
    assert done.exit_code != 0
    place.sql.execute("delete from activation_runs")
    assert manage("verify-deletion", "gone-request", on=place.url).exit_code == 0


@pytest.fixture
def exported(place: Place, manage: Command, owner_key: str) -> list[Any]:
    """Four runs, which were exported: of a user, without a key, failed, and not traced."""
    place.hf.user_key = OWNER
    place.run(owner_key, request_id="owned")
    place.hf.user_key = None
    place.run(request_id="keyless")
    place.hf.change = lambda answer: {**answer, "output_text": None}
    assert place.ask("POST", "/run", prompt="x", request_id="failed").status == 502
    place.hf.change = lambda answer: {**answer, "output_text": "\0 \ud83d\ude00"}
    place.hf.post_to = None
    place.run(ADMIN_KEY, request_id="untraced")
    done = manage(*EXPORT, on=place.url)
    assert (done.exit_code, done.stderr) == (0, "4 activations written to runs.jsonl\n")
    return [json.loads(line)["thunder_activation_run"] for line in Path("runs.jsonl").read_text().splitlines()]


def dump(place: Place) -> list[Any]:
    columns = "request_id, created_at, user_key_hmac, user_key_label, is_keyless, model_id, prompt_chars, status"
    columns += ", output_tokens, activation_rows_count, unique_features_count, sae_enabled, sae_id, sae_layer"
    columns += ", duration_ms, error_message, top_features_preview, trace_request_id, request_pk, prompt, output_text"
    columns += ", output_token_ids, sae_top_k, answer, answer_bytes"
    joined = "activation_runs left join activation_previews on id = run_id"
    return place.sql.execute(f"select {columns} from {joined} order by request_id".encode()).fetchall()


def test_imported_runs_equal_the_exported_ones(place: Place, manage: Command, exported: list[Any]) -> None:
    before = dump(place)
    assert [one["request_id"] for one in exported] == ["owned", "keyless", "failed", "untraced"]
    assert [one["preview"] is None for one in exported] == [False, False, True, False]
    place.sql.execute("delete from activation_runs")
    done = manage("import", "runs.jsonl", on=place.url)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == "ok run 'owned'"
    assert dump(place) == before
    again = manage("import", "runs.jsonl", on=place.url)
    assert [line.split()[0] for line in again.stdout.splitlines()] == ["skipped"] * 4
    place.sql.execute("update activation_runs set created_at = now() where request_id = 'keyless'")
    other = manage("import", "runs.jsonl", on=place.url)
    words = [line.split()[0] for line in other.stdout.splitlines()]
    assert (other.exit_code, words) == (3, ["skipped", "conflict", "skipped", "skipped"])
    replaced = manage("import", "--on-conflict", "replace", "runs.jsonl", on=place.url)
    assert [line.split()[0] for line in replaced.stdout.splitlines()] == ["skipped", "replaced", "skipped", "skipped"]
    assert dump(place) == before


def test_a_damaged_line_is_refused(place: Place, manage: Command, exported: list[Any]) -> None:
    place.sql.execute("delete from activation_runs")
    broken = [
        {**exported[0], "preview": {**exported[0]["preview"], "answer": "AAAA"}},
        {**exported[0], "preview": {**exported[0]["preview"], "answer": "no Base64!"}},
        {**exported[0], "status": "done"},
        {**exported[0], "user_api_key": "nobody…#0123456789ab"},
    ]
    lines = [json.dumps({"thunder_activation_run": one}, separators=(",", ":")) for one in broken]
    lines.append(Path("runs.jsonl").read_text().splitlines()[1].replace('"prompt":"', '"prompt":"another '))
    Path("broken.jsonl").write_text("\n".join(lines))
    done = manage("import", "broken.jsonl", on=place.url)
    assert done.exit_code != 0
    assert list_ids(place) == set()
    for part in ("answer: damaged", "status", "no user has the label", "SHA-256 mismatch"):
        assert part in done.output


def test_exports_are_filtered_by_user_model_and_time(place: Place, manage: Command, exported: list[Any]) -> None:
    assert exported[0]["user_api_key"] == label(OWNER)

    def count(*options: str) -> int:
        done = manage(*EXPORT[:3], "--output", "-", *options, on=place.url)
        assert done.exit_code == 0, done.output
        return len(done.stdout.splitlines())

    assert count("--user", OWNER) == 1
    assert count("--model", "another") == 0
    assert count("--to", "2020-01-01") == 0
    assert manage(*EXPORT[:3], "--tag", "x", on=place.url).exit_code != 0
    assert manage(*EXPORT[:3], "--format", "parquet", on=place.url).exit_code != 0
