"""Small bodies and documents that take long to process are processed where they delay nobody."""

import asyncio
import json
from collections.abc import Callable

import orjson
import pytest

from core.access.turns import Account
from core.answers.spans import DEFAULT_BELOW
from core.reports.render import render_score
from core.wire.zstandard import compress
from functions.web.context import Context
from functions.web.heavy import HeavyProcess, TooHeavyError
from functions.web.stored import is_light
from functions.web.unpack import MAX_LIGHT_LINES, MAX_LIGHT_OBJECTS, HeavyBodyError, work_on
from tests.support.client import Client
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY

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
