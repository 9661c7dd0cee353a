"""Words that paths use in the position of a request id are no request ids, whatever sends them."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.document.schema import RESERVED_IDS
from tests.support.client import Client
from tests.support.command import Command
from tests.support.documents import make_document
from tests.support.openapi import DOCUMENT

WORDS = sorted(RESERVED_IDS - {".", ".."})
CHOICES = [{"index": i, "text": "x"} for i in range(2)]
PREFIXES = ("/logs/", "/v1/confidence/")


def make_items(word: str) -> list[dict[str, Any]]:
    """Return a Quote trace, a response, one with several answers, and an envelope with this id."""
    return [
        make_document(word),
        {"id": word, "choices": CHOICES[:1]},
        {"id": word, "choices": CHOICES},
        {"request_id": word, "request": {}, "response": {"choices": CHOICES[:1]}},
    ]


def test_each_word_that_a_path_has_in_the_position_of_an_id_is_reserved() -> None:
    paths = DOCUMENT["paths"]
    parts = [
        path.removeprefix(prefix).split("/")[0] for path in paths for prefix in PREFIXES if path.startswith(prefix)
    ]
    words = {part for part in parts if "{" not in part}
    assert {"stream", "groups", "changes"} <= words
    assert words <= RESERVED_IDS


@pytest.mark.parametrize("word", WORDS)
def test_a_reserved_word_is_refused_by_every_ingest(client: Client, word: str) -> None:
    for item in make_items(word):
        answer = client.ingest(item)
        assert answer.status == 400, item
        assert "a reserved word" in answer.json["error"]
    lines = b"\n".join(json.dumps(item).encode() for item in make_items(word))
    results = client.post_bytes("/v1/ingest", lines, content_type="application/x-ndjson").json["results"]
    assert [one["status"] for one in results] == [400] * 4
    assert client.get("/logs").json["data"] == []


def test_a_reserved_word_is_not_imported(client: Client, database_url: str, manage: Command) -> None:
    Path("x.jsonl").write_text("".join(f"{json.dumps(make_document(word))}\n" for word in WORDS))
    done = manage("import", "x.jsonl", on=database_url)
    assert done.exit_code == 1
    assert done.stdout.count("a reserved word") == len(WORDS)
    assert client.get("/logs").json["data"] == []
