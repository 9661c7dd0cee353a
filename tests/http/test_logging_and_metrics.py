"""Logs, request ids and metrics: what operators see, and what must be hidden from them."""

import json
import logging
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, ValidationError

from core.errors import InvalidInputError
from core.logging import configure_logging, hide_values, read_levels
from core.settings import Settings
from core.statistics.recent import MAX_MODELS
from tests.support.client import Client, make_key, send
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post_probs
from tests.support.processes import server_process
from tests.support.servers import Serve

PROMPT, ANSWER, USER = "a prompt nobody may log", "an answer nobody may log", "key-of-a-user-nobody-logs"


@pytest.fixture(autouse=True)
def _restore_loggers() -> Iterator[None]:
    yield
    configure_logging("info")
    logging.getLogger("core.db").setLevel(logging.NOTSET)


def read_metrics(client: Client, key: str = ADMIN_KEY) -> dict[tuple[str, ...], float]:
    answer = client.request("GET", "/metrics", None, authorization=f"Bearer {key}")
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (200, "text/plain"), answer.data
    families = text_string_to_metric_families(answer.data.decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_each_answer_has_an_id_which_clients_may_set(client: Client) -> None:
    made = {client.request("GET", path).headers["X-Request-ID"] for path in ("/livez", "/nowhere", "/logs", "/share/x")}
    assert len(made) == 4
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)
    for given in ("abc-1.2_3:4", "x" * 128):
        assert client.request("GET", "/livez", None, x_request_id=given).headers["X-Request-ID"] == given
    for bad in ("", "a b", "x" * 129, "a,b", 'a"b'):
        assert client.request("GET", "/livez", None, x_request_id=bad).headers["X-Request-ID"] != bad


def test_logs_are_json_with_ids_and_without_keys_or_texts(database_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with server_process(log, database_url, INGEST_AUTH="open", LOG_LEVEL="info,core.db=debug") as client:
        request = {"user_api_key": USER, "user_prompt": PROMPT, "final_text": ANSWER}
        assert client.ingest(make_document("r1", request=request)).status == 201
        token = send(client, "POST", "/logs/r1/public", ADMIN_KEY).json["public_token"]
        client.request("GET", f"/share/request/{token}")
        client.request("GET", f"/logs?api_key={USER}&q=nobody", None, x_api_key=USER, x_request_id="traced-1")
        client.ingest({"request": {"request_id": "r2", "final_text": [ANSWER], "user_api_key": USER}})
        with psycopg.connect(database_url, autocommit=True) as sql:
            sql.execute("alter table requests add constraint odd check (final_text is null) not valid")
        assert client.ingest(make_document("r3", request=request)).status == 500
        client.request("GET", "/livez")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert all({"timestamp", "level", "logger", "message"} <= line.keys() for line in lines)
    text = log.read_text()
    for hidden in (PROMPT, ANSWER, USER, ADMIN_KEY, token, "q=nobody"):
        assert hidden not in text
    served = [line for line in lines if line["logger"] == "functions.http"]
    (traced,) = [line for line in served if line["http_request_id"] == "traced-1"]
    assert (traced["method"], traced["route"], traced["status"]) == ("GET", "/logs", 200)
    assert traced["duration_ms"] > 0
    (fault,) = [line for line in lines if line["level"] == "ERROR"]
    assert "violates check constraint" in fault["exc_info"]
    assert fault["http_request_id"]
    assert any(line["logger"] == "core.db" and line["level"] == "DEBUG" for line in lines)
    assert not any(line.get("route") == "/livez" for line in lines)


@pytest.mark.parametrize(
    ("text", "root", "single"),
    [
        ("", "INFO", {}),
        ("Warning", "WARNING", {}),
        ("core.db=debug", "INFO", {"core.db": "DEBUG"}),
        ("trace", "DEBUG", {}),
        ("warn,tower_http::trace=trace,sqlx=off", "WARNING", {"tower_http.trace": "DEBUG", "sqlx": "Level 51"}),
        ("error, core.db = debug,functions.http=warning", "ERROR", {"core.db": "DEBUG", "functions.http": "WARNING"}),
    ],
)
def test_levels_have_the_syntax_of_rust_log(text: str, root: str, single: dict[str, str]) -> None:
    level, others = read_levels(text)
    assert (logging.getLevelName(level), {name: logging.getLevelName(one) for name, one in others.items()}) == (
        root,
        single,
    )


@pytest.mark.parametrize("text", ["loud", "core.db=loud", "=debug", "core db=debug", "core.db=debug=info"])
def test_an_invalid_level_is_rejected_with_an_explanation(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match="is not a level"):
        read_levels(text)
    monkeypatch.setenv("LOG_LEVEL", text)
    with pytest.raises(ValidationError):
        Settings()


def test_rust_log_applies_if_log_level_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUST_LOG", "thunder=trace,warn")
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    assert Settings().log_level == "thunder=trace,warn"
    monkeypatch.setenv("LOG_LEVEL", "error")
    assert Settings().log_level == "error"


def test_no_level_logs_headers_or_messages_of_websockets() -> None:
    for levels in ("debug", "debug,uvicorn.error=debug,websockets=debug"):
        configure_logging(levels)
        assert logging.getLogger("uvicorn.error").getEffectiveLevel() == logging.INFO
        assert logging.getLogger("websockets.server").getEffectiveLevel() == logging.INFO


def test_starts_and_connections_of_uvicorn_are_logged_only_at_debug() -> None:
    for levels, expected in {"info": logging.WARNING, "error": logging.ERROR, "debug": logging.INFO}.items():
        configure_logging(levels)
        assert logging.getLogger("uvicorn.error").getEffectiveLevel() == expected


def test_a_terminal_gets_text_and_reconfiguring_replaces_the_handler() -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:  # pyrefly: ignore[missing-override-decorator]
            return True

    first, second = Terminal(), Terminal()
    configure_logging("info", first)
    configure_logging("info", second)
    logging.getLogger("core").info("hello")
    assert (first.getvalue(), second.getvalue().split(maxsplit=1)[1]) == ("", "INFO    hello\n")


def test_values_in_tracebacks_are_omitted(sql: psycopg.Connection) -> None:
    class Model(BaseModel):
        number: int

    with pytest.raises(ValidationError) as invalid:
        Model.model_validate({"number": ANSWER})
    sql.execute("create table t (c text constraint short check (length(c) < 3), d text unique)")
    with pytest.raises(psycopg.Error) as refused:
        sql.execute("insert into t values (%s)", [ANSWER])
    for error in (invalid.value, refused.value):
        assert ANSWER in str(error)
        assert ANSWER not in hide_values(str(error))
    lines = "a\nDETAIL:  Failing row contains (x\nsecret, 1).\n\nDuring handling of the above exception, b"
    assert hide_values(lines) == "a\n(detail left out)\n\nDuring handling of the above exception, b"
    invalid_line = "number\n  not one [type=int, input_value=', input_type=secret', input_type=str]"
    assert "secret" not in hide_values(invalid_line)
    assert hide_values(f'invalid input syntax for type integer: "{"secret" * 20}"').endswith('integer: "…"')


def test_metrics_count_requests_and_traces(new_client: Client) -> None:
    body = json.dumps(make_document("r1", number(one_token() * 3))).encode()
    assert new_client.post_bytes("/v1/ingest", body).status == 201
    for path in ("/logs", "/logs/r1", "/logs/r1/", "/logs/nobody", "/wp-login.php", "/also-nowhere"):
        new_client.get(path)
    new_client.request("BREW", "/coffee")
    found = read_metrics(new_client)
    assert found["thunder_http_requests_total", "POST", "/v1/ingest", "201"] == 1
    assert found["thunder_http_requests_total", "GET", "/logs/{request_id}", "200"] == 2
    assert found["thunder_http_requests_total", "GET", "/logs/{request_id}", "404"] == 1
    assert found["thunder_http_requests_total", "GET", "none", "404"] == 2
    assert not any("nowhere" in part or "BREW" in part for name in found for part in name)
    assert found["thunder_http_request_seconds_count", "/logs"] == 1
    assert found["thunder_ingest_traces_total",] == 1
    assert found["thunder_ingest_bytes_total",] == len(body)
    assert found["thunder_ingest_rows_total", "request_steps"] == 3
    assert 0 <= found["thunder_newest_commit_age_seconds",] < 60
    assert found["thunder_pool_connections", "open"] >= 1
    assert found["process_resident_memory_bytes",] > 0


def test_metrics_describe_the_confidence_of_recent_requests_by_model(client: Client, sql: psycopg.Connection) -> None:
    probs = [0.1, 0.15, *(0.5 + place / 100 for place in range(18))]
    for place, prob in enumerate(probs):
        post_probs(client, f"m{place}", [prob], model='a "model"')
    post_probs(client, "other", [0.9])
    post_probs(client, "of an empty model", [0.7], model="")
    assert client.ingest(make_document("unscored", request={"model": "unscored"})).status == 201
    post_probs(client, "old", [0.01], model="old")
    sql.execute("update requests set ingested_at = now() - interval '61 minutes' where request_id = 'old'")
    found = read_metrics(client)
    names = ("thunder_confidence_mean", "thunder_confidence_p5", "thunder_confidence_below_0_2_ratio")
    mean, p5, low = (found[name, 'a "model"'] for name in names)
    assert (mean, p5, low) == pytest.approx((np.mean(probs), np.percentile(probs, 5), 0.1))
    assert [found[name, ""] for name in names] == pytest.approx([0.8, 0.71, 0])
    assert not any("old" in name for name in found)
    counts = ("thunder_recent_requests", "thunder_recent_tokens", "thunder_recent_bytes", "thunder_recent_exceptions")
    size = sql.execute(
        "select sum(document_bytes) from request_traces join requests on id = request_pk where model = 'a \"model\"'"
    ).fetchone()
    assert size is not None
    assert [found[name, 'a "model"'] for name in counts] == [20, 20, size[0], 0]
    assert found["thunder_recent_requests", "unscored"] == 1
    assert ("thunder_confidence_mean", "unscored") not in found
    sql.execute("delete from requests")
    empty = read_metrics(client)
    assert not any(name[0] in (*names, *counts, "thunder_newest_commit_age_seconds") for name in empty)
    assert empty["thunder_database_up",] == 1, "an empty database is not one that can't be read"


def test_metrics_describe_a_bounded_number_of_models(client: Client) -> None:
    for place in range(MAX_MODELS + 3):
        post_probs(client, f"r{place}", [0.5], model=f"m{place}")
    found = read_metrics(client)
    assert sum(name[0] == "thunder_confidence_mean" for name in found) == MAX_MODELS


def test_a_metrics_token_opens_only_the_metrics(serve: Serve, database_url: str) -> None:
    settings: dict[str, Any] = {"DATABASE_URL": database_url, "THUNDER_ADMIN_KEY": ADMIN_KEY}
    client = serve(METRICS_TOKEN="scraper", **settings)
    assert read_metrics(client, "scraper")
    assert send(client, "GET", "/logs", "scraper").status == 401
    assert send(client, "GET", "/metrics", "guess").status == 401
    assert send(client, "GET", "/metrics", make_key(client, name="k")["api_key"]).status == 403


def test_metrics_work_without_a_database(serve: Serve) -> None:
    client = serve(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", METRICS_TOKEN="scraper")
    found = read_metrics(client, "scraper")
    assert found["thunder_database_up",] == 0
    assert ("thunder_newest_commit_age_seconds",) not in found
