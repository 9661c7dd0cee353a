"""Traces as NDJSON: each line is stored or rejected separately."""

import asyncio
import gzip
import json

import psycopg
import pytest

from core.access.hasher import Hasher
from core.database.pool import DatabaseUnavailableError, TooSlowError
from core.traces.ingest import PreparedTrace, Receipt
from functions.web.batch import ingest_lines
from functions.web.spool import Part, Spool
from tests.support.client import Answer, Client, make_key
from tests.support.documents import load_trace, make_document, masked, number, one_token, trace_names
from tests.support.keys import ADMIN_KEY
from tests.support.prepared import prepare_trace
from tests.support.servers import Serve

NDJSON = "application/x-ndjson"


def post(client: Client, *lines: object, **headers: str) -> Answer:
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return client.post_bytes("/v1/ingest", body, **{"content_type": NDJSON, **headers})


def statuses(answer: Answer) -> list[tuple[int, str | None, int]]:
    assert answer.status == 207, answer.data
    return [(row["index"], row["request_id"], row["status"]) for row in answer.json["results"]]


def test_each_recorded_trace_is_stored_as_a_line(client: Client) -> None:
    documents = [load_trace(name) for name in trace_names()]
    answer = post(client, *documents)
    ids = [document["request"]["request_id"] for document in documents]
    assert statuses(answer) == [(index, request_id, 201) for index, request_id in enumerate(ids)]
    assert all(set(row) == {"index", "request_id", "status"} for row in answer.json["results"])
    for request_id, document in zip(ids, documents, strict=True):
        assert client.get(f"/logs/{request_id}/trace").json == masked(document)


def test_a_bad_line_does_not_affect_the_others(client: Client) -> None:
    bad: list[tuple[object, str | None]] = [
        (b"{", None),
        (b"[]", None),
        (b"\xff", None),
        (b'{"request": {"request_id": 5}}', None),
        ({"request": {}}, None),
        (make_document("no-type", [{"event_type": "Thought", "step": 0, "sequence_order": 0}]), "no-type"),
        (make_document("lost", mod_logs=[{"mod_call_sequence": 0, "mod_name": "m", "log_message": "x"}]), "lost"),
    ]
    lines: list[object] = []
    for index, (line, _) in enumerate(bad):
        lines += [make_document(f"good-{index}", number(one_token())), line]
    answer = post(client, *lines)
    expected = [(f"good-{index // 2}", 201) if index % 2 == 0 else (bad[index // 2][1], 400) for index in range(14)]
    assert [row[1:] for row in statuses(answer)] == expected
    for row in answer.json["results"]:
        assert ("error" in row) == (row["status"] != 201)
    assert "event_type" in answer.json["results"][11]["error"]
    assert {row["request_id"] for row in client.get("/logs").json["data"]} == {f"good-{index}" for index in range(7)}


def test_a_later_line_replaces_an_earlier_one(client: Client) -> None:
    lines = [make_document("same", request={"final_text": text}) for text in ("one", "two", "three")]
    assert statuses(post(client, *lines)) == [(index, "same", 201) for index in range(3)]
    log = client.log("same")
    assert (log["final_text"], log["revision"]) == ("three", 3)


def test_blank_lines_and_the_kind_of_newline_do_not_matter(client: Client) -> None:
    first, second = (json.dumps(make_document(name)).encode() for name in "ab")
    body = b"\r\n  \n" + first + b"\r\n\n\t\n" + second
    answer = client.post_bytes("/v1/ingest", body, content_type=f"{NDJSON}; charset=utf-8")
    assert statuses(answer) == [(0, "a", 201), (1, "b", 201)]


def test_a_batch_may_be_compressed(client: Client) -> None:
    body = gzip.compress(b"\n".join(json.dumps(make_document(f"r{index}")).encode() for index in range(3)))
    answer = client.post_bytes("/v1/ingest", body, content_type=NDJSON, content_encoding="gzip")
    assert [row[2] for row in statuses(answer)] == [201] * 3


@pytest.mark.parametrize(
    ("body", "said"), [(b"", "empty"), (b"\n \n", "empty"), (b"{}\n" * 1001, "more than 1000 lines")]
)
def test_an_invalid_batch_is_rejected_as_a_whole(client: Client, body: bytes, said: str) -> None:
    answer = client.post_bytes("/v1/ingest", body, content_type=NDJSON)
    assert (answer.status, said in answer.json["message"]) == (400, True)


def test_each_line_is_posted_with_the_rights_of_the_caller(serve: Serve, database_url: str) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY)
    bound = make_key(client, name="engine", scopes=["ingest"], allowed_api_key="key-of-ann")["api_key"]
    lines = [make_document(user, request={"user_api_key": f"key-of-{user}"}) for user in ("ann", "bob", "ann")]
    assert post(client, *lines).status == 401
    assert post(client, *lines, x_api_key="key-of-ann").status == 401
    assert [row[2] for row in statuses(post(client, *lines, x_api_key=bound))] == [201, 403, 201]


def test_an_unexpected_error_affects_one_line(client: Client, sql: psycopg.Connection) -> None:
    sql.execute("alter table requests add constraint odd check (request_id <> 'odd')")
    answer = post(client, make_document("a"), make_document("odd"), make_document("b"))
    assert [row[2] for row in statuses(answer)] == [201, 500, 201]
    assert "the server's log has the details under" in answer.json["results"][1]["error"]


def test_a_batch_for_the_database_of_another_app_is_rejected(new_client: Client, sql: psycopg.Connection) -> None:
    sql.execute("update environment set app_name = 'another'")
    assert post(new_client, make_document("a"), make_document("b")).status == 503


def spool_line(document: dict[str, object]) -> Part:
    spool = Spool()
    spool.write(json.dumps(document).encode())
    return Part(spool, 0, spool.size)


def make_receipt(request_id: str) -> Receipt:
    unknown = dict.fromkeys(("sequence_confidence", "p_correct", "calibrator"))
    return Receipt(request_id=request_id, revision=1, replaced=False, events=0, tokens=0, warnings=[], **unknown)


def test_lines_after_a_lost_database_are_not_tried() -> None:
    tried: list[bytes] = []

    async def prepare(line: Part) -> list[PreparedTrace]:
        return [prepare_trace(line.read(), Hasher(b"secret"))]

    async def store(answers: list[PreparedTrace]) -> list[Receipt]:
        tried.append(answers[0].document["document"])
        if len(tried) == 2:
            raise DatabaseUnavailableError("the database is not reachable")
        request_id = answers[0].request_id
        return [make_receipt(request_id)]

    lines = [spool_line(make_document(f"r{index}")) for index in range(5)]
    receipt = asyncio.run(ingest_lines(lines, prepare, store))
    assert [row.request_id for row in receipt.results] == [f"r{index}" for index in range(5)]
    assert [row.status for row in receipt.results] == [201, 503, 503, 503, 503]
    assert len(tried) == 2


def test_blank_lines_cost_nothing(client: Client) -> None:
    body = gzip.compress((b" \n" * 20_000_000) + json.dumps(make_document("a")).encode())
    answer = client.post_bytes("/v1/ingest", body, content_type=NDJSON, content_encoding="gzip")
    assert statuses(answer) == [(0, "a", 201)]


def test_a_line_that_waits_too_long_does_not_affect_the_others() -> None:
    async def prepare(line: Part) -> list[PreparedTrace]:
        return [prepare_trace(line.read(), Hasher(b"secret"))]

    async def store(answers: list[PreparedTrace]) -> list[Receipt]:
        request_id = answers[0].request_id
        if request_id == "r1":
            raise TooSlowError("the database took too long to answer")
        return [make_receipt(request_id)]

    lines = [spool_line(make_document(f"r{index}")) for index in range(3)]
    receipt = asyncio.run(ingest_lines(lines, prepare, store))
    assert [row.status for row in receipt.results] == [201, 503, 201]
