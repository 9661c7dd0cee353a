"""sql/schema.sql equals the migrations, and the schema follows its rules."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql as composed

from core.database.query import SQL_DIR
from core.local import schema
from core.local.postgres import EmbeddedPostgres
from core.local.schema import (
    SchemaDumpError,
    clean_dump,
    dump_schema,
    run_pg_dump,
    write_current_schema,
)
from tests.support.client import Client
from tests.support.command import Command
from tests.support.documents import load_trace, trace_names

SCHEMA_FILE = SQL_DIR / "schema.sql"

TRUNCATE = """truncate table actions, step_logit_summaries, request_steps, requests, mod_blocks, mods
restart identity cascade"""

KEPT = {"schema_migrations", "environment", "api_keys", "bootstrap_attempts", "generated_secret", "collections"}
KEPT |= {"deletions", "deletion_chain", "audit_log", "calibrators", "alerts", "sign_ins", "sign_in_links"}
KEPT |= {"former_owners", "call_counts"}
"""Tables that emptying the traces keeps. Add a new table here, or to the tables that TRUNCATE reaches."""

FILLED_BY_OTHERS = [
    "insert into outcomes (request_pk, source) select id, 'test' from requests",
    "insert into discussions (request_pk, username, comment) select id, 'ann', 'hm' from requests",
    "insert into collections (name) values ('c')",
    "insert into collection_members (collection_id, request_pk) select c.id, r.id from collections c, requests r",
    "insert into api_keys (key_hash, key_prefix, name, is_admin, scopes) values ('\\x00', 'ck_', 'k', false, '{}')",
    """insert into deletions overriding system value
    values (1, '\\x00', now(), 'admin', 'age', 0, 0, 0, 0, 0, 0, 0, 0, 0)""",
    """insert into calibrators (
        for_users, model, k, version, is_active, score, method, slope, intercept, n, correct, labelled_from,
        labelled_to, quality
    ) values (true, 'm', 1, 1, true, 's', 'platt', 0, 0, 1, 1, now(), now(), '{}')""",
    "insert into legal_holds (request_pk, reason, held_by) select id, 'r', 'admin' from requests limit 1",
    "insert into bootstrap_attempts default values",
    "insert into call_counts values ('inference', '\\x00', 1, '{}', now())",
    "insert into former_owners (user_key_hmac) values ('\\x00')",
    "insert into audit_log (actor, action, subject) values ('admin', 'key.create', 'key:1')",
    """insert into alerts (name, kind, score, fires_above, filters, url, include_prompt, active, secret_nonce)
    values ('a', 'silence', 's', false, '{}', 'https://a', false, true, '\\x00')""",
    "insert into alert_events (alert_id, kind) select id, 'test' from alerts",
    "insert into sign_ins (token_hash, key_hash, expires_at) values ('\\x00', '\\x00', now())",
    "insert into sign_in_links (token_hash, admin_proof, expires_at) values ('\\x00', '\\x00', now())",
    """insert into activation_runs (
        request_id, is_keyless, model_id, prompt_chars, output_tokens, activation_rows_count, unique_features_count,
        sae_enabled, duration_ms, status, top_features_preview
    ) values ('ax-1', true, 'm', 1, 1, 0, 0, true, 1, 'ok', '{}')""",
    "insert into activation_previews select id, 'p', 'o', '{1}', 20, '\\x00', 1 from activation_runs",
    "insert into generated_secret (secret) values ('s') on conflict do nothing",
]
"""One row for each table that a posted trace leaves empty."""


def list_tables(sql: psycopg.Connection) -> set[str]:
    return {name for (name,) in sql.execute("select tablename from pg_tables where schemaname = 'public'")}


def list_filled(sql: psycopg.Connection) -> set[str]:
    def has_rows(table: str) -> bool:
        query = composed.SQL("select exists (select from {})").format(composed.Identifier(table))
        return sql.execute(query).fetchone() == (True,)

    return {table for table in list_tables(sql) if has_rows(table)}


def test_the_file_equals_the_migrations(postgres: EmbeddedPostgres, database_url: str) -> None:
    dumped = dump_schema(database_url, bin_dir=postgres.bin_dir)
    assert SCHEMA_FILE.read_text(encoding="utf-8") == dumped, "run `make schema`"


def test_the_file_alone_creates_the_same_database(postgres: EmbeddedPostgres, database_url: str, empty: str) -> None:
    with psycopg.connect(empty) as conn:
        conn.execute(SCHEMA_FILE.read_bytes())
    assert dump_schema(empty, bin_dir=postgres.bin_dir) == dump_schema(database_url, bin_dir=postgres.bin_dir)


def test_a_difference_is_detected(postgres: EmbeddedPostgres, database_url: str, sql: psycopg.Connection) -> None:
    before = dump_schema(database_url, bin_dir=postgres.bin_dir)
    sql.execute("alter table mods alter column name drop not null")
    assert dump_schema(database_url, bin_dir=postgres.bin_dir) != before


def test_cleaning_keeps_comments_within_functions() -> None:
    function = "CREATE FUNCTION f() AS $$\n-- why\nSET x = 1;\n$$;\n"
    preamble = "--\n-- PostgreSQL database dump\n--\n\\restrict a\n\nSET a = 1;\n\n"
    assert clean_dump(f"{preamble}--\n-- Name: f; Type: FUNCTION\n--\n\n{function}").endswith("\n\n" + function)


def test_a_failed_dump_shows_the_reason(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(SchemaDumpError, match='database "nowhere" does not exist'):
        dump_schema(postgres.dsn_of("nowhere"), bin_dir=postgres.bin_dir)


def test_truncate_empties_all_trace_tables_and_resets_all_sequences(client: Client, sql: psycopg.Connection) -> None:
    for name in trace_names():
        assert client.ingest(load_trace(name)).status == 201
    for statement in FILLED_BY_OTHERS:
        sql.execute(statement.encode())
    assert list_filled(sql) == list_tables(sql)
    sql.execute(TRUNCATE)
    assert list_filled(sql) == KEPT
    used = sql.execute("select sequencename from pg_sequences where last_value is not null").fetchall()
    assert {name.removesuffix("_id_seq") for (name,) in used} <= KEPT


def test_each_table_has_a_comment_and_a_primary_key(sql: psycopg.Connection) -> None:
    tables = sql.execute("""
        select
            pg_class.relname,
            obj_description(pg_class.oid, 'pg_class') is not null,
            exists (select from pg_index where pg_index.indrelid = pg_class.oid and pg_index.indisprimary)
        from pg_class
        where pg_class.relkind = 'r' and pg_class.relnamespace = 'public'::regnamespace
    """).fetchall()
    undescribed = {name for name, described, _ in tables if not described} - {"schema_migrations"}
    assert (undescribed, {name for name, _, keyed in tables if not keyed}) == (set(), set())


def test_each_column_has_one_of_few_types(sql: psycopg.Connection) -> None:
    columns = sql.execute("""
        select table_name || '.' || column_name, data_type from information_schema.columns where table_schema = 'public'
    """).fetchall()
    # No timestamp without a time zone and no varchar(n). Reals occur only in views, because their sums are inexact.
    # xid8 and tsvector are for streams and the search; jsonb is for the details of the audit log.
    usual = {"ARRAY", "bigint", "boolean", "bytea", "double precision", "integer", "text", "timestamp with time zone"}
    usual |= {"jsonb", "tsvector", "xid8", "smallint"}
    others = {name: kind for name, kind in columns if kind not in usual}
    views = ("steps.", "passes.", "feed.request", "handler_calls.request", "handler_actions.request")
    assert {name: kind for name, kind in others.items() if not name.startswith(views)} == {}
    assert set(others.values()) <= {"real", "USER-DEFINED"}


def test_each_foreign_key_has_an_index(sql: psycopg.Connection) -> None:
    missing = sql.execute("""
        select conname
        from pg_constraint
        where contype = 'f' and not exists (
            select from pg_index
            where indrelid = conrelid and indkey[0] = conkey[1] and cardinality(conkey) = 1
        )
    """).fetchall()
    assert missing == []


def test_the_command_writes_current_schema_sql(
    postgres: EmbeddedPostgres, database_url: str, manage: Command, tmp_path: Path
) -> None:
    done = manage("schema", on=database_url)
    assert done.exit_code == 0, done.output
    written = (tmp_path / "current_schema.sql").read_text()
    dumped = dump_schema(database_url, bin_dir=postgres.bin_dir)
    assert written.partition("\n\n")[2] == dumped.partition("\n\n")[2]
    assert manage("schema", "--output", "-", on=database_url).stdout == written
    away = manage("schema", on=f"postgresql://u:hunter2@/none?host={tmp_path}")
    assert (away.exit_code, "does not answer" in away.stderr, "hunter2" in away.output) == (1, True, False)


def test_the_password_is_not_in_the_arguments_of_pg_dump(tmp_path: Path) -> None:
    program = tmp_path / "pg_dump"
    program.write_text('#!/bin/sh\necho "$@"; echo "$PGPASSWORD"\n')
    program.chmod(0o755)
    arguments, password = run_pg_dump(program, "postgresql://me:hunter2@db:5433/logs").splitlines()
    assert (password, "hunter2" in arguments, "host=db" in arguments) == ("hunter2", False, True)


def test_an_old_pg_dump_is_rejected(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def list_old() -> Iterator[Path]:
        yield Path("/bin/false")

    monkeypatch.setattr(schema, "list_pg_dumps", list_old)
    with pytest.raises(SchemaDumpError, match="not found for PostgreSQL 18"):
        write_current_schema(database_url)
