"""Create many requests quickly: copy a stored one, and vary the fields that the feed filters by."""

import psycopg
from psycopg import sql

from core.access.hasher import Hasher
from tests.bench.stage import SECRET

USERS = [f"feed-user-{number:02}-of-the-benchmarks" for number in range(20)]
RARE_WORD = "quicksilver"
COLLECTED = 200

CHANGED = {
    "request_id": sql.SQL("'feed-' || number"),
    "created_at": sql.SQL("now() - number * interval '1 minute'"),
    "model": sql.SQL("'model-' || number %% 3"),
    "mods": sql.SQL("case when number %% 10 = 0 then array['nudge'] else array[]::text[] end"),
    "tags": sql.SQL("case when number %% 100 = 0 then array['review'] else array[]::text[] end"),
    "favorited_by": sql.SQL("case when number %% 200 = 0 then array['ann'] else array[]::text[] end"),
    "has_exception": sql.SQL("number %% 100 = 1"),
    "sequence_confidence": sql.SQL("(number::bigint * 7919 %% 1000) / 1000.0"),
    "user_key_hmac": sql.SQL("(%(hmacs)s::bytea[])[1 + number %% 20]"),
    "user_key_label": sql.SQL("(%(labels)s::text[])[1 + number %% 20]"),
    "search": sql.SQL("case when number %% 500 = 0 then search || to_tsvector('simple', %(rare)s) else search end"),
}
COLUMNS = """
select column_name::text from information_schema.columns
where table_name = 'requests' and column_name not in ('id', 'stored_xid')
"""
COPIES = """
insert into requests ({}) select {} from requests, generate_series(1, %(count)s) as number where request_id = %(source)s
"""
INDEXES = """
select pg_get_indexdef(indexrelid), indexrelid::regclass::text from pg_index
where indrelid = 'requests'::regclass and not indisunique
"""


def copy_request(conn: psycopg.Connection, source: str, name: str) -> None:
    """Store a copy of a request's row under another id."""
    columns = [column for (column,) in conn.execute(COLUMNS) if column != "request_id"]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = "insert into requests (request_id, {}) select %(name)s, {} from requests where request_id = %(source)s"
    conn.execute(sql.SQL(statement).format(names, names), {"name": name, "source": source})


def fill_requests(conn: psycopg.Connection, source: str, count: int) -> None:
    """Copy a request this many times, a minute apart. The indexes are created afterwards, which is faster."""
    indexes = conn.execute(INDEXES).fetchall()
    for _, name in indexes:
        conn.execute(sql.SQL("drop index {}").format(sql.SQL(name)))
    columns = [name for (name,) in conn.execute(COLUMNS)]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    values = sql.SQL(", ").join(CHANGED.get(name, sql.Identifier(name)) for name in columns)
    hasher = Hasher(SECRET.encode())
    users = {"hmacs": [hasher.hash_user_key(one) for one in USERS], "labels": list(map(hasher.label_user_key, USERS))}
    conn.execute(sql.SQL(COPIES).format(names, values), {"count": count, "source": source, "rare": RARE_WORD, **users})
    for definition, _ in indexes:
        conn.execute(sql.SQL(definition))
    conn.execute("analyze requests")


def fill_collection(conn: psycopg.Connection, collection: int) -> None:
    """Add requests from all parts of the feed to a collection."""
    conn.execute(
        "insert into collection_members (collection_id, request_pk) select %s, id from requests"
        " where id %% greatest((select count(*) from requests) / %s, 1) = 0",
        [collection, COLLECTED],
    )
    conn.execute("vacuum analyze collection_members")
