"""Small bodies and documents that take long to process are processed where they delay nobody."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson
import psycopg
import pytest

from core.access.caller import SETTING_ADMIN
from core.access.turns import Account
from core.answers.spans import DEFAULT_BELOW
from core.reports.render import render_score
from core.wire.zstandard import compress
from functions import calibrators
from functions.web.budget import Budget
from functions.web.context import Context
from functions.web.heavy import HeavyProcess, TooHeavyError
from functions.web.stored import is_light
from functions.web.unpack import MAX_LIGHT_LINES, MAX_LIGHT_OBJECTS, HeavyBodyError, work_on
from tests.support.calibrators import LABELS, fit, fit_well
from tests.support.client import Client
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.labels import MODEL, post_labelled
from tests.support.servers import start_thread

TOKENS = [{"text": "x", "logprob": -1.0}] * (MAX_LIGHT_OBJECTS + 1)
LIMIT = 4 * 1024 * 1024


@pytest.mark.parametrize(
    "body",
    [
        b"{" * (MAX_LIGHT_OBJECTS + 1),
        b"[" * (MAX_LIGHT_OBJECTS + 1),
        b"\n" * (MAX_LIGHT_LINES + 1),
        b"\r" * (MAX_LIGHT_LINES + 1),
        rb"\n" * (MAX_LIGHT_LINES + 1),
    ],
    ids=["objects", "lists", "lines", "carriage returns", "escaped lines"],
)
def test_many_objects_or_lines_are_not_processed_here(body: bytes) -> None:
    with pytest.raises(HeavyBodyError):
        work_on(body, "identity", LIMIT, len)
    assert work_on(body[2:], "identity", LIMIT, len) == len(body) - 2


@pytest.fixture
def heavy_jobs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the functions that were called in a separate process."""
    run, jobs = Context.run_heavy, list[str]()

    async def note(self: Context, account: Account, function: Callable[..., object], *arguments: object) -> object:
        jobs.append(function.__name__)
        return await run(self, account, function, *arguments)  # pyrefly: ignore

    monkeypatch.setattr(Context, "run_heavy", note)
    return jobs


def test_a_small_body_of_many_tokens_is_scored_in_a_separate_process(client: Client, heavy_jobs: list[str]) -> None:
    body = json.dumps({"tokens": TOKENS}).encode()
    assert len(body) < LIMIT
    answer = client.post_bytes("/v1/score", body, x_api_key=ADMIN_KEY)
    assert answer.status == 200
    expected = render_score(body, DEFAULT_BELOW, None)
    assert answer.data == expected.render({"p_correct": None, "calibrator": None})
    assert heavy_jobs == ["work_on_large"]
    assert client.post_bytes("/v1/score", b'{"tokens":[{"text":"x","logprob":-1}]}', x_api_key=ADMIN_KEY).status == 200
    assert heavy_jobs == ["work_on_large"]


def test_a_document_that_compresses_well_is_rendered_in_a_separate_process(
    client: Client, heavy_jobs: list[str]
) -> None:
    small, large = make_document("small", number(one_token())), make_document("large", number(one_token() * 12_000))
    frame = compress([json.dumps(large).encode()])
    assert len(frame) < 1024 * 1024
    assert not is_light(frame)
    for document in (small, large):
        assert client.ingest(document).status == 201
    heavy_jobs.clear()
    assert client.log("small")["request_id"] == "small"
    assert not heavy_jobs
    assert client.log("large")["request_id"] == "large"
    assert client.get("/v1/confidence/large").status == 200
    assert heavy_jobs == ["render_document", "render_stored_report"]


def test_a_fit_to_many_labels_runs_in_a_separate_process(
    client: Client, sql: psycopg.Connection, heavy_jobs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    post_labelled(client, sql, LABELS)
    fitted = fit_well(client, method="platt")
    assert not heavy_jobs
    monkeypatch.setattr(calibrators, "MAX_LIGHT_LABELS", len(LABELS) - 1)
    again = fit_well(client, method="platt")
    assert heavy_jobs == ["fit_labels_apart"]
    own = {"id", "version", "created_at"}
    assert {name: again[name] for name in again.keys() - own} == {name: fitted[name] for name in fitted.keys() - own}
    sql.execute("update outcomes set correct = true")
    assert fit(client, method="platt").status == 409
    assert heavy_jobs == ["fit_labels_apart"] * 2


TURNS = [
    "/logs/l0",
    "/v1/confidence/l0",
    "/v1/confidence/calibration",
    "/v1/confidence/risk-coverage",
    "/v1/confidence/threshold",
    "/v1/confidence/threshold?keep=0.5&model=labelled-model",
    "/v1/confidence/drift",
    "/v1/confidence/changes",
    "/v1/confidence/groups/g",
]


def test_all_work_in_threads_is_done_in_turns(
    client: Client, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise one caller's statistics would delay the traces of the others, which wait for the same threads."""
    post_labelled(client, sql, LABELS[:10], group_id="g")
    run_light, run, turns, runs = Context.run_light, Context.run, list[str](), list[object]()

    async def note_turn(self: Context, account: Account, *arguments: Any, **named: Any) -> object:
        turns.append(account.name)
        return await run_light(self, account, *arguments, **named)

    async def note_run(self: Context, *arguments: Any, **named: Any) -> object:
        runs.append(arguments)
        return await run(self, *arguments, **named)

    monkeypatch.setattr(Context, "run_light", note_turn)
    monkeypatch.setattr(Context, "run", note_run)
    for path in TURNS:
        assert client.get(path).status in {200, 409}, path
        assert (len(turns), len(runs)) == (1, 1), path
        turns.clear()
        runs.clear()


def parse_without_end(text: bytes) -> None:
    held: list[object] = []
    while True:
        held.append(orjson.loads(text))


def break_the_protocol(_: bytes) -> None:
    raise SystemError("<built-in function loads> returned a result with an exception set")


@pytest.mark.parametrize("job", [parse_without_end, break_the_protocol])
def test_a_lack_of_memory_is_a_clear_error_however_a_library_reports_it(job: Callable[[bytes], None]) -> None:
    async def attempt() -> int:
        process = HeavyProcess()
        try:
            with pytest.raises(TooHeavyError):
                await process.run(job, b'{"choices":[{"index":0,"delta":{"content":"x"}}]}')
            return await process.run(len, b"next")
        finally:
            process.close()

    assert asyncio.run(attempt()) == 4


STATISTICS = [
    "/v1/confidence/calibration",
    "/v1/confidence/risk-coverage",
    "/v1/confidence/threshold",
    f"/v1/confidence/threshold?keep=0.1&k=2&model={quote(MODEL)}",
    "/v1/confidence/drift",
    "/v1/confidence/groups/g",
]


def test_the_rows_of_statistics_count_in_the_byte_budget(database_url: str, sql: psycopg.Connection) -> None:
    with start_thread(database_url, THUNDER_SECRET=SECRET) as server:
        post_labelled(server.client, sql, LABELS, group_id="g")
        statuses = {path: server.client.get(path).status for path in STATISTICS}
        budget: Budget = server.app.state.context.budget
        budget.take(SETTING_ADMIN.account, budget.total)  # as by other requests
        refused = {path: server.client.get(path).json.get("error", "") for path in STATISTICS}
        budget.give(SETTING_ADMIN.account, budget.total)
        again = {path: server.client.get(path).status for path in STATISTICS}
    assert statuses == again == dict.fromkeys(STATISTICS, 200)
    assert {path for path, error in refused.items() if error.startswith("memory: ")} == set(STATISTICS)
    assert budget.used == 0
