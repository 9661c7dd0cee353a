"""Pages of lists whose rows are as large as clients can make them."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from core.curation.curation import MAX_CHARACTERS, MAX_FAVORITES, MAX_TAGS
from tests.support.bystanders import Others, Target, assert_bounded, attack_together
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY

READERS = 4
"""Readers at once of each encoding."""
ENCODINGS = ("identity", "zstd", "gzip", "br")
ROWS = 100
JSON = {"X-API-Key": ADMIN_KEY, "Content-Type": "application/json"}
SMILE = "\N{GRINNING FACE}"
USER = "key-of-a-user-with-large-requests"
NAME = MAX_CHARACTERS // MAX_FAVORITES - 4


@pytest.fixture(scope="module", autouse=True)
def _page(server: Target) -> Iterator[None]:
    for number in range(ROWS):
        text = ("\1" if number % 2 else SMILE) * 66_000
        document = make_document(f"p{number}", request={"final_text": text, "model": SMILE * 500, "user_api_key": USER})
        status, answer, _ = server.post("/v1/ingest", json.dumps(document).encode(), JSON)
        assert status == 201, answer
    with psycopg.connect(server.database_url, autocommit=True) as sql:
        sql.execute(
            "update requests set favorited_by = array(select i || repeat(%s, %s) from generate_series(1, %s) i),"
            " tags = array(select i || repeat(%s, 96) from generate_series(1, %s) i) where request_id ~ '^p[0-9]+$'",
            [SMILE, NAME, MAX_FAVORITES, SMILE, MAX_TAGS],
        )
        yield
        sql.execute("delete from requests where request_id ~ '^p[0-9]+$'")


def test_concurrent_reads_of_the_largest_page_affect_only_their_reader(server: Target) -> None:
    others, statuses, left = Others(server), list[int](), iter(ENCODINGS * READERS)

    def attack() -> None:
        headers = {"Accept-Encoding": next(left), "X-API-Key": USER}
        statuses.append(server.get("/logs?limit=100", headers)[0])

    attack_together(others, attack, len(ENCODINGS) * READERS)
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert_bounded(server, others)
