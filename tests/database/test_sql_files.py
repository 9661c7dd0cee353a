"""Every SQL file against the real schema: used, prepared, explained, and its columns those of the model."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import psycopg
import pytest
from pydantic import BaseModel

from core.access import store as access
from core.audit import store as audit
from core.collections import store as collections
from core.curation import store as curation
from core.database.sql import SQL_DIR, load_query
from core.deletions import proof_store as proofs
from core.deletions import store as deletions
from core.discussions import store as discussions
from core.feed import store as feed
from core.outcomes import store as outcomes
from core.shares import store as shares
from core.statistics import store as statistics
from core.stream import store as stream
from core.traces import store
from core.transfer import store as transfer
from tests.conftest import Databases

QUERIES = SQL_DIR / "queries"
NAMES = sorted(str(path.relative_to(QUERIES).with_suffix("")) for path in QUERIES.rglob("*.sql"))
MODELS: dict[str, type[BaseModel] | type[feed.ListedRow]] = {
    "traces/upsert_request": store.StoredRequest,
    "feed/list_requests": feed.ListedRow,
    "feed/list_least_confident": feed.ListedRow,
    "feed/list_users": feed.UserRow,
    "traces/get_log": store.StoredLog,
    "traces/get_document": store.StoredDocument,
    "outcomes/upsert_outcome": outcomes.Outcome,
    "outcomes/list_outcomes": outcomes.Outcome,
    "access/find_callers": access.CallerRow,
    "access/list_keys": access.KeyRow,
    "access/insert_key": access.KeyRow,
    "access/update_key": access.KeyRow,
    "access/rotate_key": access.KeyRow,
    "access/find_owner": access.OwnerRow,
    "traces/find_owner": store.Ownership,
    "audit/list_entries": audit.Entry,
    "deletions/delete_requests": deletions.Deletion,
    "deletions/count_doomed": deletions.DoomedCount,
    "deletions/list_holds": deletions.Hold,
    "deletions/check_chain": proofs.Chain,
    "deletions/list_documents": proofs.StoredFrame,
    "deletions/find_texts": proofs.Finding,
    "deletions/list_deletions": deletions.Deletion,
    "shares/get_preview": shares.PreviewRow,
    "shares/get_shared_log": store.StoredLog,
    "curation/get_curation": curation.CurationRow,
    "curation/edit_tags": curation.EditedRow,
    "curation/edit_favorites": curation.EditedRow,
    "shares/lock_share": shares.ShareRow,
    "traces/lock_request": store.LockedRequest,
    "collections/list_collections": collections.ListedRow,
    "collections/get_collection": collections.CollectionRow,
    "collections/lock_collection": collections.LockedCollection,
    "collections/get_shared_collection": collections.CollectionRow,
    "collections/list_collections_of_request": collections.CollectionRow,
    "collections/insert_collection": collections.InsertedRow,
    "collections/update_collection": collections.CollectionRow,
    "collections/add_member": collections.AddedRow,
    "collections/list_members": collections.MemberRow,
    "discussions/list_discussions": discussions.RequestCommentRow,
    "discussions/get_discussion": discussions.RequestCommentRow,
    "discussions/insert_discussion": discussions.CommentRow,
    "discussions/update_discussion": discussions.DiscussionRow,
    "transfer/count_contents": transfer.Contents,
    "transfer/probe_server": transfer.Server,
    "transfer/find_guards": transfer.Guards,
    "transfer/count_export": transfer.ExportSize,
    "statistics/summarize": statistics.GroupRow,
    "statistics/list_mods": statistics.HandlerRow,
}
NOT_NUMBERS: dict[str, object] = {
    **dict.fromkeys(("request_id", "source", "posted_by", "name", "key_prefix", "label", "username", "comment"), "x"),
    **dict.fromkeys(("key_hash", "user_key_hmac", "lowest", "highest", "token_hash"), b"x"),
    **dict.fromkeys(("is_admin", "is_added", "may_replace_any", "sets_description", "sets_owner"), False),
    "search": "x",
    "has_exception": False,
    "mods": [],
    "ids": [],
    "deleted_by": "x",
    "reason": "age",
    "brief": False,
    "scopes": [],
    "group_by": "day",
    "fractions": [0.5],
    "score": "perplexity",
}
NOT_EXPLAINED = {"database/create_ledger", "database/begin", "database/commit", "stream/listen", "transfer/clear"}
"""EXPLAIN takes neither DDL, nor the bounds of a transaction, nor LISTEN."""


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[psycopg.Connection]:
    """One migrated database for all files; each test's changes are rolled back."""
    with psycopg.connect(databases.reach(databases.create("sql_files")), autocommit=True) as conn:
        yield conn
    databases.server.drop_database("sql_files")


@pytest.fixture
def sql(database: psycopg.Connection) -> Iterator[psycopg.Connection]:
    with database.transaction(force_rollback=True):
        yield database
    database.execute("deallocate all")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_used_exactly_where_its_folder_says(name: str) -> None:
    sources = [path.read_text() for path in Path("core").rglob("*.py")]
    assert sum(source.count(f'load_query("{name}")') for source in sources) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_file_holds_one_statement_in_lower_case(name: str) -> None:
    text = load_query(name)
    assert ";" not in text
    assert not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE)\b", text)


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_prepares_and_explains(name: str, sql: psycopg.Connection) -> None:
    text = load_query(name)
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    positions = {name: f"${index + 1}" for index, name in enumerate(names)}
    statement = re.sub(r"%\((\w+)\)s", lambda found: positions[found[1]], text)
    if name in NOT_EXPLAINED:
        sql.execute(statement.encode())
        return
    sql.execute(f"prepare probe as {statement}".encode())
    arguments = "(" + ", ".join(["null"] * len(names)) + ")" if names else ""
    sql.execute("set plan_cache_mode = force_generic_plan")
    assert sql.execute(f"explain execute probe{arguments}".encode()).fetchall()


@pytest.mark.parametrize("name", MODELS)
def test_the_columns_are_the_model_s_fields(name: str, sql: psycopg.Connection) -> None:
    text = load_query(name)
    parameters: dict[str, object] = dict.fromkeys(re.findall(r"%\((\w+)\)s", text))
    parameters.update(dict.fromkeys(re.findall(r"%\((\w+)\)s(?!::)", text), 0))  # without a cast: never null
    parameters.update({key: value for key, value in NOT_NUMBERS.items() if key in parameters})
    cursor = sql.execute(text, parameters)
    assert cursor.description is not None
    model = MODELS[name]
    fields = model.model_fields if issubclass(model, BaseModel) else model._fields
    assert [column.name for column in cursor.description] == list(fields)


def test_the_columns_of_news_are_the_row_s_fields(sql: psycopg.Connection) -> None:
    bounds = {"before": "1:1:", "until": None, "after_xid": "0", "after_id": 0, "limit": 1, "bytes": 1}
    cursor = sql.execute(load_query("stream/read_news"), {"app_name": "thunder-backend", **bounds})
    assert cursor.description is not None
    names = [field.name for field in fields(stream.NewsRow)]
    assert [column.name for column in cursor.description] == ["position", "horizon", *names]


def test_a_missing_file_fails_where_it_is_loaded() -> None:
    with pytest.raises(FileNotFoundError):
        load_query("traces/no_such_statement")
