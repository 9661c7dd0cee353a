"""Pages of lists whose rows are as large as clients can make them."""

import json
from collections.abc import Generator

import psycopg
import pytest

from core.curation.curation import MAX_CHARACTERS, MAX_FAVORITES, MAX_TAGS
from tests.support.bystanders import Others, Target, assert_bounded, attack_together, run_server
from tests.support.databases import Databases
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


@pytest.fixture(scope="module")
def server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Generator[Target]:
    url = databases.create("large_pages")
    with run_server(tmp_path_factory.mktemp("pages"), url) as running:
        for number in range(ROWS):
            text = ("\1" if number % 2 else SMILE) * 66_000
            document = make_document(
                f"r{number}", request={"final_text": text, "model": SMILE * 500, "user_api_key": USER}
            )
            status, answer, _ = running.post("/v1/ingest", json.dumps(document).encode(), JSON)
            assert status == 201, answer
        with psycopg.connect(databases.reach(url), autocommit=True) as sql:
            sql.execute(
                "update requests set favorited_by = array(select i || repeat(%s, %s) from generate_series(1, %s) i),"
                " tags = array(select i || repeat(%s, 96) from generate_series(1, %s) i)",
                [SMILE, NAME, MAX_FAVORITES, SMILE, MAX_TAGS],
            )
        yield running
    databases.drop("large_pages")


def test_concurrent_reads_of_the_largest_page_affect_only_their_reader(server: Target) -> None:
    others, statuses, left = Others(server), list[int](), iter(ENCODINGS * READERS)

    def attack() -> None:
        headers = {"Accept-Encoding": next(left), "X-API-Key": USER}
        statuses.append(server.get("/logs?limit=100", headers)[0])

    attack_together(others, attack, len(ENCODINGS) * READERS)
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert_bounded(server, others)
