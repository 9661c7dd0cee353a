"""Reads that are costly, and queries that are long: one caller repeats them, and other callers do not wait."""

import gzip
import json
import random
import re
from urllib.parse import quote

import pytest

from core.wire.zstandard import zstd
from tests.bench.payload import build_trace, with_id
from tests.support.bystanders import Others, Target, assert_bounded, attack_together
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY

MB = 1_000_000
READERS = 3
USER = "key-of-a-user-with-large-traces"
KEY = {"X-API-Key": ADMIN_KEY}
JSON = {**KEY, "Content-Type": "application/json"}
OWNER = re.compile(rb'"user_api_key": "[^"]*"')
LARGE_TOKENS = 10_000
"""A trace of about 20 MB."""


@pytest.fixture(scope="module", autouse=True)
def _traces(server: Target) -> None:
    large = with_id(build_trace(LARGE_TOKENS), "costly")
    assert OWNER.search(large)
    large = OWNER.sub(b'"user_api_key": "%s"' % USER.encode(), large, 1)
    assert 15 * MB < len(large) < 30 * MB, len(large)
    owner = {"user_api_key": USER}
    digits = random.Random(4).randbytes(35 * MB).hex()  # compresses to half its size
    incompressible = json.dumps(make_document("incompressible", request=owner, more=digits)).encode()
    empty = json.dumps(make_document("repetitive", request=owner, more=[{}] * (4 * MB))).encode()
    for body in (large, incompressible, empty):
        headers = {**JSON, "Content-Encoding": "zstd"}
        status, answer, _ = server.post("/v1/ingest", zstd.compress(body), headers)
        assert status == 201, answer


@pytest.mark.parametrize(
    ("path", "encoding"),
    [
        ("/logs/costly", "identity"),
        ("/logs/costly/trace", "br"),
        ("/v1/confidence/costly", "identity"),
        ("/logs/incompressible/trace", "identity"),
        ("/logs/repetitive", "zstd"),
    ],
)
def test_concurrent_reads_of_large_traces_affect_only_their_reader(server: Target, path: str, encoding: str) -> None:
    others, statuses = Others(server), list[int]()
    headers = {"Accept-Encoding": encoding, "X-API-Key": USER}
    attack_together(others, lambda: statuses.append(server.get(path, headers)[0]), READERS)
    assert set(statuses) <= {200, 413, 503}
    assert 200 in statuses
    assert_bounded(server, others)


LONG = "x" * 7000
QUERIES = [
    f"q={'a' * 100_000}",
    f"q={LONG}",
    f"q={'%25' * 2300}",
    f"q={'_' * 7000}a",
    "q=" + quote("\\") * 2000,
    f"q={quote('(a+)+$' * 300)}",
    "&".join(f"tag={i}" for i in range(800)),
    "&".join(["q=a"] * 1500),
    f"cursor={LONG}",
    f"cursor={'A' * 100_000}",
    f"cursor={quote(gzip.compress(b'0' * MB, mtime=0).hex())}",
    f"model={LONG}",
    f"api_key={LONG}",
    f"offset={'9' * 7000}",
    f"limit={'9' * 7000}",
    f"min_confidence={'9' * 7000}",
    f"min_confidence=1e{'9' * 7000}",
    f"created_from={'9' * 7000}",
    f"request_id={LONG}",
]


@pytest.mark.parametrize("query", QUERIES, ids=[query[:24] for query in QUERIES])
def test_a_long_query_delays_nobody(server: Target, query: str) -> None:
    paths = ["/logs", "/v1/confidence/summary", "/v1/confidence/drift", "/v1/mods", "/collections", "/v1/audit"]
    others, statuses = Others(server), list[int]()
    attack_together(
        others, lambda: statuses.extend(server.get(f"{path}?{query}", KEY)[0] for path in paths * 2), READERS
    )
    assert set(statuses) <= {200, 400, 404, 414, 431, 503}
    assert_bounded(server, others)


def test_annotations_at_their_limits_are_read_without_delay(server: Target) -> None:
    comment = "\N{GRINNING FACE}" * 10_000
    posts: dict[str, list[dict[str, object]]] = {
        "tags": [{"tag": f"{i} {comment[:90]}"} for i in range(100)],
        "discussions": [{"username": "u", "comment": comment}] * 100,
        "outcome": [{"correct": True, "source": f"{i} {comment[:190]}", "note": comment} for i in range(100)],
    }
    others = Others(server)
    with others.calling():
        for part, bodies in posts.items():
            for body in bodies:
                status, answer, _ = server.post(
                    f"/logs/costly/{part}", json.dumps(body, ensure_ascii=False).encode(), JSON
                )
                assert status in {200, 201}, answer
    paths = [*(f"/logs/costly/{part}?limit=100" for part in posts), "/logs?limit=100", "/v1/audit", "/v1/deletions"]
    attack_together(others, lambda: [server.get(path, KEY) for path in paths], READERS)
    assert_bounded(server, others)
