"""Export and import of calibrators."""

import json
from pathlib import Path

import psycopg
import pytest

from tests.support.client import Client, send
from tests.support.command import Command
from tests.support.labels import draw_labels, make_answer, post_labelled

EXPORT = ("export", "--what", "calibrators", "--output", "calibrators.jsonl")


def fit(client: Client, key: str, method: str, **fields: object) -> None:
    body = json.dumps({"score": "sequence_confidence", "method": method, **fields}).encode()
    assert client.post_bytes("/v1/calibrators", body, x_api_key=key).status == 201


@pytest.fixture
def exported(client: Client, sql: psycopg.Connection, manage: Command, database_url: str) -> Client:
    """A server with three calibrators, which were exported."""
    post_labelled(client, sql, draw_labels(120), user_api_key="key-of-ann")
    fit(client, client.key, "isotonic")
    fit(client, client.key, "platt", for_users=False)
    fit(client, "key-of-ann", "isotonic")
    done = manage(*EXPORT, on=database_url)
    assert (done.exit_code, done.stderr) == (0, "3 calibrators written to calibrators.jsonl\n")
    return client


def dump(sql: psycopg.Connection) -> list[tuple[object, ...]]:
    columns = "user_key_hmac, version, is_active, for_users, score, method, knots, probabilities, slope, intercept"
    columns += ", model, k, logprobs_mode, n, correct, labelled_from, labelled_to, quality, created_at"
    return sql.execute(
        f"select {columns} from calibrators order by user_key_hmac nulls first, version".encode()
    ).fetchall()


def test_an_imported_calibrator_equals_the_exported_one(
    exported: Client, sql: psycopg.Connection, manage: Command, database_url: str
) -> None:
    before, receipt = dump(sql), exported.ingest(make_answer("new", 0.4321)).json
    assert len(before) == 3
    sql.execute("delete from calibrators")
    done = manage("import", "calibrators.jsonl", on=database_url)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == "ok calibrator 1 of 'labelled-model', k 2, raw_logprobs"
    assert dump(sql) == before
    assert exported.ingest(make_answer("new", 0.4321)).json["p_correct"] == receipt["p_correct"]
    again = manage("import", "calibrators.jsonl", on=database_url)
    assert [line.split()[0] for line in again.stdout.splitlines()] == ["skipped"] * 3
    sql.execute("update calibrators set slope = 7 where method = 'platt'")
    other = manage("import", "calibrators.jsonl", on=database_url)
    assert (other.exit_code, [line.split()[0] for line in other.stdout.splitlines()]) == (
        3,
        ["skipped", "conflict", "skipped"],
    )
    replaced = manage("import", "--on-conflict", "replace", "calibrators.jsonl", on=database_url)
    assert [line.split()[0] for line in replaced.stdout.splitlines()] == ["skipped", "replaced", "skipped"]
    assert dump(sql) == before


def test_the_active_calibrator_of_the_database_stays_active(
    exported: Client, sql: psycopg.Connection, manage: Command, database_url: str
) -> None:
    sql.execute("delete from calibrators where version = 2")
    send(exported, "PATCH", "/v1/calibrators/1", exported.key, active=True)
    assert manage("import", "calibrators.jsonl", on=database_url).exit_code == 0
    active = sql.execute("select version, is_active from calibrators where user_key_hmac is null order by 1").fetchall()
    assert active == [(1, True), (2, False)]


def test_a_damaged_calibrator_or_an_unknown_owner_fails(
    exported: Client, sql: psycopg.Connection, manage: Command, database_url: str
) -> None:
    del exported
    exports = Path("calibrators.jsonl").read_text()
    lines = [json.loads(line) for line in exports.splitlines()]
    isotonic, platt, owned = (line["thunder_calibrator"] for line in lines)
    damaged = [
        {**isotonic, "knots": isotonic["knots"][::-1]},
        {**isotonic, "probabilities": isotonic["probabilities"][1:]},
        {**platt, "slope": None},
        {**platt, "score": "luck"},
        {**platt, "score": "p_correct"},
        {**platt, "more": 1},
        {**owned, "for_users": True},
    ]
    Path("damaged.jsonl").write_text("".join(json.dumps({"thunder_calibrator": one}) + "\n" for one in damaged))
    done = manage("import", "damaged.jsonl", on=database_url)
    assert done.exit_code == 1
    assert all(line.startswith("failed: damaged.jsonl line") for line in done.stdout.splitlines())
    assert all("thunder_calibrator" in line for line in done.stdout.splitlines())
    Path("damaged.jsonl").write_text(exports.replace('"n":', '"n":1'))
    done = manage("import", "damaged.jsonl", on=database_url)
    assert done.stdout.count("failed: damaged.jsonl line") == done.stdout.count("(SHA-256 mismatch)") == 3
    sql.execute("truncate requests, calibrators cascade")
    done = manage("import", "calibrators.jsonl", on=database_url)
    assert done.exit_code == 1
    assert "no user has the label" in done.stdout.splitlines()[2]
    assert sql.execute("select count(*) from calibrators").fetchone() == (2,)


def test_options_that_would_be_ignored_are_refused(exported: Client, manage: Command, database_url: str) -> None:
    del exported
    for options in (["--mod", "m"], ["--tag", "t"], ["--format", "parquet"]):
        assert manage(*EXPORT, *options, on=database_url).exit_code == 1
    assert manage(*EXPORT, "--model", "another", on=database_url).stderr.startswith("0 calibrators")
