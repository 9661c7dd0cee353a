"""Filters, orders and cursor of the feed, compared with a plain computation; each uses an index."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from core.database.query import Query
from core.feed.facets import MAX_COUNTED, MAX_VALUES, WRAPPER
from core.feed.filters import Sort
from core.feed.store import COUNT_MATCHES, LIST_FACETS, LIST_REQUESTS, SEARCH_REQUESTS
from core.traces.filters import Filters
from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.documents import call, make_document, number, one_token
from tests.support.keys import ADMIN_KEY
from tests.support.plans import count_rows_of_requests, explain

NOTHING: dict[str, Any] = dict.fromkeys(("after_id", "after_created", "after_confidence", "collection_id"))
NOTHING |= {"limit": 51, "offset": 0, "brief": False, "sort": "created"}


def bind(listing: Query[Any], used: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a listing that uses some of its filters."""
    filters = Filters(**{name: value for name, value in used.items() if name in Filters._fields})
    if listing is SEARCH_REQUESTS:
        used, filters = {"q": None, "mod": None, **used}, filters._replace(q=None, mod=None)
    given = {**NOTHING, **used, "filters": filters}
    return {name: value for name, value in given.items() if name in listing.parameters}


USED: list[dict[str, Any]] = [
    {},
    {"owner": b"user 7"},
    {"model": "model 3"},
    {"mod": "mod 5"},
    {"tag": "tag 5"},
    {"favorited_by": "fan 5"},
    {"created_from": "2026-01-01T12:00Z", "created_to": "2026-01-01T13:00Z"},
    {"max_confidence": 0.001},
    {"min_confidence": 0.999},
    {"has_exception": True},
    {"q": "word5"},
    {"collection_id": 1},
    {"collection_id": 1, "owner": b"user 7"},
    {"owner": b"user 7", "model": "model 3", "q": "word5"},
    {"after_id": 500, "after_created": "2026-01-01T01:00Z", "after_confidence": 0.5},
]


def post(client: Client, request_id: str, logprob: float | None = None, **fields: Any) -> None:
    events = number(one_token()) if logprob is not None else []
    for event in events:
        if event["event_type"] == "ForwardPass":
            event["top_tokens"] = [{"token": 5, "logprob": logprob, "token_str": "five"}]
    calls = [call(0, mod=fields.pop("mod"), exception_occurred=fields.pop("raised", False))] if "mod" in fields else []
    document = make_document(request_id, events, mod_calls=calls, request=fields)
    assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201


def ids(client: Client, **query: object) -> list[str]:
    answer = client.get(f"/logs?{urlencode(query)}")
    assert answer.status == 200, answer.data
    return [row["request_id"] for row in answer.json["data"]]


@pytest.fixture
def filled(client: Client, sql: psycopg.Connection) -> Client:
    post(client, "a", -0.1, created_at=100, model="m1", user_prompt="the quick fox", final_text="jumps over")
    post(client, "b", -2.0, created_at=200, model="m2", mod="nudge", raised=True, final_text="a quick dog")
    post(client, "c", -1.0, created_at=300, model="m1", mod="nudge", final_text="Quick, said \U0001f600 she")
    post(client, "d", created_at=400, model="m2")
    sql.execute("update requests set tags = '{good}', favorited_by = '{ann}' where request_id = 'c'")
    return client


def test_each_filter_selects_its_requests(filled: Client) -> None:
    assert ids(filled) == ["d", "c", "b", "a"]
    assert ids(filled, model="m1") == ["c", "a"]
    assert ids(filled, mod="nudge") == ["c", "b"]
    assert ids(filled, tag="good") == ids(filled, favorited_by="ann") == ["c"]
    assert ids(filled, created_from=200, created_to=400) == ["c", "b"]
    assert ids(filled, max_confidence=0.4) == ["c", "b"]
    assert ids(filled, min_confidence=math.exp(-1.0) - 1e-9) == ["c", "a"]
    assert ids(filled, min_confidence=0, max_confidence=1) == ["c", "b", "a"]
    assert ids(filled, has_exception="true") == ["b"]
    assert ids(filled, has_exception="false", model="m2") == ["d"]


def test_words_of_prompt_and_text_are_found(filled: Client) -> None:
    assert ids(filled, q="QUICK") == ["c", "b", "a"]
    assert ids(filled, q="quick -dog") == ["c", "a"]
    assert ids(filled, q='"quick fox"') == ids(filled, q="fox jumps") == ["a"]
    for symbols in ("' \\ : & ! ( *", "😀", "%", "\\", "<->", '"', "-", "😀 %"):
        assert ids(filled, q=symbols) == []
    assert ids(filled, q="' \\ : & ! ( * nowhere") == []
    assert ids(filled, q="  ") == ["d", "c", "b", "a"]


def test_a_search_finds_the_start_of_words_and_ids(filled: Client) -> None:
    assert ids(filled, q="qui") == ["c", "b", "a"]
    assert ids(filled, q="qui fo") == ids(filled, q='"qui fo"') == ["a"]
    assert ids(filled, q="qui -do") == ["c", "b", "a"], "an excluded word is a whole word"
    for name in ("550e8400-e29b-41d4", "550e8400-e29b-41D5", "chat'\\cmpl--x", "run_7:step", "two words"):
        post(filled, name, created_at=50)
    assert ids(filled, q="550e8400-e29b-41d4") == ids(filled, q="ID: 550e8400-e29b-41d4") == ["550e8400-e29b-41d4"]
    assert ids(filled, q="550E84") == ids(filled, q="id:550e84") == ["550e8400-e29b-41D5", "550e8400-e29b-41d4"]
    assert ids(filled, q="id:chat'\\cmpl--") == ids(filled, q="chat'\\cm") == ["chat'\\cmpl--x"]
    assert ids(filled, q="step") == ids(filled, q="id:run_") == ["run_7:step"]
    assert ids(filled, q="id:two w") == ["two words"]
    post(filled, "run-capital-again", created_at=60, final_text="a state-of-the-art non-profit, model x-1")
    for found in ("capital-again", "run-cap", "capital-ag", "of-the", "of-the-art -dog", '"the art"', "NON-PROFIT"):
        assert ids(filled, q=found) == ["run-capital-again"], found
    assert ids(filled, q='"art non-profit"') == ids(filled, q="x-1") == ["run-capital-again"]
    for missed in ("again-capital", "the-of", "run-again", "quick -of-the", "capital-again -the-art"):
        assert "run-capital-again" not in ids(filled, q=missed), missed
    assert ids(filled, q="id:qui") == ids(filled, q="id:") == ids(filled, q="id: ") == []


def test_least_confident_requests_come_first_and_unscored_ones_last(filled: Client) -> None:
    assert ids(filled, sort="confidence") == ["b", "c", "a", "d"]
    assert ids(filled, sort="confidence", max_confidence=1) == ["b", "c", "a"]


@pytest.mark.parametrize("sort", ["created", "confidence"])
def test_a_cursor_continues_where_the_page_ended_despite_new_requests(filled: Client, sort: str) -> None:
    expected = ids(filled, sort=sort)
    seen: list[str] = []
    cursor = ""
    for page in range(2 * len(expected)):
        answer = filled.get(f"/logs?{urlencode({'limit': 1, 'sort': sort, 'cursor': cursor})}").json
        seen += [row["request_id"] for row in answer["data"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
        if page < 2:
            post(filled, f"new-{page}", -1e-6, created_at=1000 + page)
    assert [one for one in seen if not one.startswith("new")] == expected
    assert len(set(seen)) == len(seen)


def test_filters_apply_to_an_owners_own_requests(filled: Client) -> None:
    post(filled, "own", -0.5, user_api_key="key-of-ann", model="m1", final_text="quick")
    for query in ("model=m1", "q=quick", "sort=confidence", "max_confidence=1"):
        answer = filled.request("GET", f"/logs?{query}", None, x_api_key="key-of-ann").json
        assert [row["request_id"] for row in answer["data"]] == ["own"], query


def test_an_invalid_filter_or_cursor_is_rejected_with_an_explanation(filled: Client) -> None:
    cursor = filled.get("/logs?limit=1").json["next_cursor"]
    for query, named in (
        ("cursor=nonsense", "cursor"),
        (f"cursor={cursor}&sort=confidence", "cursor"),
        (f"cursor={cursor}&offset=1", "offset"),
        ("min_confidence=2", "min_confidence"),
        ("max_confidence=nan", "max_confidence"),
        ("sort=up", "sort"),
        ("has_exception=perhaps", "has_exception"),
        ("created_from=yesterday", "created_from"),
    ):
        answer = filled.get(f"/logs?{query}")
        assert (answer.status, named in answer.json["message"]) == (400, True), query
        assert "Value error" not in answer.json["message"], "pydantic's words"


@pytest.fixture(scope="module")
def many(databases: Databases) -> Iterator[psycopg.Connection]:
    """100 000 requests, of which each word but "every" and "old", and each mod, is in few."""
    with psycopg.connect(databases.reach(databases.create("many")), autocommit=True) as conn:
        fill_many(conn)
        yield conn
    databases.drop("many")


def fill_many(sql: psycopg.Connection) -> None:
    sql.execute(
        """
        insert into requests (request_id, created_at, model, user_key_hmac, posted_by, mods, tags, favorited_by,
            total_steps, tokens, tokens_with_distribution, sampled_tokens, sampled_in_top_k, scored_tokens,
            forced_tokens, discarded_tokens, masked_tokens, interventions, backtracks, sequence_confidence,
            has_exception, search)
        select 'r' || n, timestamptz '2026-01-01Z' + n * interval '1 second', 'model ' || n % 50,
            convert_to('user ' || n % 1000, 'utf8'), 'open', array['mod ' || n % 100],
            case when n % 10 = 0 then array['tag ' || n % 1000] else '{}' end,
            case when n % 10 = 0 then array['fan ' || n % 1000] else '{}' end,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n / 100000.0, n % 1000 = 0,
            search_vector('r' || n, 'every word' || n % 1000 || case when n <= 50000 then ' old' else '' end)
        from generate_series(1, 100000) as n
    """
    )
    sql.execute("insert into collections (name) values ('c')")
    sql.execute("insert into collection_members select 1, id from requests where id % 100 = 0")
    sql.execute("vacuum analyze requests, collection_members")


def test_no_filter_reads_all_of_100_000_requests(many: psycopg.Connection) -> None:
    for sort in Sort:
        for used in USED:
            plan = explain(many, LIST_REQUESTS, **bind(LIST_REQUESTS, {**used, "sort": sort.value}))
            found = re.search(r'Seq Scan"[^{}]*"Relation Name": "requests"', json.dumps(plan))
            assert not found, (sort, used, plan)


SEARCHES: list[dict[str, Any]] = [
    {"q": "every"},
    {"q": "old"},
    {"q": "word5"},
    {"q": "nowhere"},
    {"mod": "mod 5"},
    {"mod": "nobody"},
    {"q": "word5", "mod": "mod 5"},
    {"q": "old", "mod": "mod 5", "model": "model 5"},
    {"q": "old", "owner": b"user 7"},
    {"q": "word7", "owner": b"user 8"},
    {"q": "every", "collection_id": 1},
    {"q": "wor"},
    {"q": "id:r9999"},
    {"q": "every", "offset": 2000},
    {"q": "word5", "offset": 70},
    {"q": "old", "after_id": 40000, "after_created": "2026-01-01T11:06:40Z"},
    {"q": "word5", "after_id": 40000, "after_created": "2026-01-01T11:06:40Z"},
]


def test_a_search_finds_what_the_plain_statement_finds(many: psycopg.Connection) -> None:
    for used in SEARCHES:
        for sort in Sort:
            sorted_ = {"after_confidence": 0.4, **used, "sort": sort.value}
            found, expected = (
                one.run(many, **bind(one, sorted_)).fetchall() for one in (SEARCH_REQUESTS, LIST_REQUESTS)
            )
            assert found == expected, sorted_


FEW = [{"q": "nowhere"}, {"mod": "nobody"}, {"q": "word5"}, {"q": "every"}, {"q": "wor"}, {"q": "id:r9999"}]


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("used", FEW, ids=str)
def test_a_search_reads_few_pages_however_many_match(
    many: psycopg.Connection, used: dict[str, Any], sort: Sort
) -> None:
    plan = explain(
        many, SEARCH_REQUESTS, options="analyze, buffers,", **bind(SEARCH_REQUESTS, {**used, "sort": sort.value})
    )
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 2000


@pytest.mark.parametrize("used", USED, ids=str)
def test_a_total_reads_few_requests_however_many_match(many: psycopg.Connection, used: dict[str, Any]) -> None:
    wanted = {name: value for name, value in bind(LIST_REQUESTS, used).items() if name in COUNT_MATCHES.parameters}
    plan = explain(many, COUNT_MATCHES, options="analyze,", **{**wanted, "limit": 10_001})
    assert sum(count_rows_of_requests(plan)) <= 20_000


FACETED = [*(used for used in USED if "after_id" not in used), {"q": "every"}, {"q": "nowhere"}]


@pytest.mark.parametrize("used", FACETED, ids=str)
def test_facets_count_few_requests_however_many_match(many: psycopg.Connection, used: dict[str, Any]) -> None:
    filters = Filters(**{name: value for name, value in used.items() if name in Filters._fields})
    wanted = {"filters": filters, "collection_id": used.get("collection_id"), "wrapper": WRAPPER}
    plan = explain(many, LIST_FACETS, options="analyze,", **wanted, most=MAX_COUNTED, limit=MAX_VALUES)
    assert sum(count_rows_of_requests(plan)) <= 2 * MAX_COUNTED
