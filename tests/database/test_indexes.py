"""Each index on requests is needed by a query: its plan uses the index and costs much more without."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from core.database.query import Query
from core.database.statements import FIND_NEWEST
from core.feed.store import LIST_REQUESTS, SEARCH_REQUESTS
from core.stream.store import READ_NEWS
from core.traces.filters import NO_FILTERS, Filters
from tests.support.databases import Databases
from tests.support.plans import count_rows_of_requests, explain

AFTER: dict[str, Any] = {"after_id": None, "after_created": None, "after_confidence": None}
PAGE: dict[str, Any] = {"collection_id": None, "brief": False, "limit": 51, "offset": 0, **AFTER}
NEWEST: dict[str, Any] = {**PAGE, "sort": "created"}
LEAST_CONFIDENT: dict[str, Any] = {**PAGE, "sort": "confidence"}
NEWS = {"app_name": "thunder-backend", "first_xid": "1", "running": [], "until": None, "after_xid": "9", "after_id": 0}
RARE: dict[str, Filters] = {
    "requests_newest": NO_FILTERS,
    "requests_newest_of_user": Filters(owner=b"user 7"),
    "requests_of_model": Filters(model="rare"),
    "requests_with_exception": Filters(has_exception=True),
    "requests_tagged": Filters(tag="rare"),
    "requests_favorited": Filters(favorited_by="rare"),
    "requests_of_source": Filters(source="rare"),
    "requests_of_group": Filters(group_id="rare"),
}
NEEDS: dict[str, tuple[Query[Any], dict[str, Any]]] = {
    **{index: (LIST_REQUESTS, {**NEWEST, "filters": filters}) for index, filters in RARE.items()},
    "requests_least_sure": (LIST_REQUESTS, {**LEAST_CONFIDENT, "filters": NO_FILTERS}),
    "requests_least_sure_of_user": (LIST_REQUESTS, {**LEAST_CONFIDENT, "filters": Filters(owner=b"user 7")}),
    "requests_mods": (SEARCH_REQUESTS, {**LEAST_CONFIDENT, "filters": NO_FILTERS, "q": None, "mod": "rare"}),
    "requests_search": (SEARCH_REQUESTS, {**LEAST_CONFIDENT, "filters": NO_FILTERS, "q": "rare", "mod": None}),
    "requests_position": (READ_NEWS, {**NEWS, "limit": 256, "bytes": 1}),
    "requests_ingested": (FIND_NEWEST, {}),
}
FILL = """
insert into requests (request_id, created_at, ingested_at, model, user_key_hmac, posted_by, mods, tags, favorited_by,
    total_steps, tokens, tokens_with_distribution, sampled_tokens, sampled_in_top_k, scored_tokens, forced_tokens,
    discarded_tokens, masked_tokens, interventions, backtracks, sequence_confidence, has_exception, search, stored_xid,
    source, group_id)
select 'r' || n, timestamptz '2026-01-01Z' + n * interval '1 second', timestamptz '2026-01-01Z' + n * interval '1 s',
    kind, convert_to('user ' || n % 100, 'utf8'), 'open', array[kind],
    case when n % 100 = 0 then array[kind] else '{}' end, case when n % 100 = 0 then array[kind] else '{}' end,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n % 997 / 1000.0, n = 9000,
    array_to_tsvector(array[kind, 'word' || n % 500]), n::text::xid8,
    case kind when 'rare' then kind else 'quote' end, case kind when 'rare' then kind end
from (select n, case n when 9000 then 'rare' else 'common' end as kind from generate_series(1, 20000) as n) as made
"""


@pytest.fixture(scope="module")
def filled(databases: Databases) -> Iterator[psycopg.Connection]:
    with psycopg.connect(databases.reach(databases.create("indexes")), autocommit=True) as conn:
        conn.execute(FILL)
        conn.execute("vacuum analyze requests")
        yield conn
    databases.drop("indexes")


def test_every_index_is_named_here(filled: psycopg.Connection) -> None:
    found = filled.execute("""
        select indexrelid::regclass::text from pg_index where indrelid = 'requests'::regclass and not indisunique
    """)
    assert {name for (name,) in found} == set(NEEDS)


@pytest.mark.parametrize("index", NEEDS)
def test_a_query_needs_the_index(index: str, filled: psycopg.Connection) -> None:
    needing, parameters = NEEDS[index]
    plan = explain(filled, needing, **parameters)
    assert f'"Index Name": "{index}"' in json.dumps(plan)
    with filled.transaction(force_rollback=True):
        filled.execute(f"drop index {index}".encode())
        without = explain(filled, needing, **parameters)
    assert without["Total Cost"] > 1.5 * plan["Total Cost"]


def test_a_poll_reads_only_what_is_new_also_if_planned_for_an_empty_table(databases: Databases) -> None:
    """The stream plans its poll once per connection, perhaps before anything is stored."""
    with psycopg.connect(databases.reach(databases.create("poll")), autocommit=True) as conn:
        conn.execute(FILL)
        start = {**NEWS, "first_xid": "20000", "running": ["19990", "19995"], "after_xid": "0"}
        plan = explain(conn, READ_NEWS, options="analyze,", **start, limit=256, bytes=2**20)
    databases.drop("poll")
    assert 1 <= sum(count_rows_of_requests(plan)) <= 10
