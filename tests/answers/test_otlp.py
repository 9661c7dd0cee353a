"""POST /v1/traces: exports of OpenTelemetry."""

import base64
import copy
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.support.answers import make_chat
from tests.support.client import Answer, Client
from tests.support.keys import ADMIN_KEY, label
from tests.support.model_server import CONFIDENCE, WORDS, run_model_server
from tests.support.spans import (
    SPAN,
    TRACE,
    Span,
    export,
    make_export,
    make_inference,
    make_span,
)

CALLS = Path(__file__).parents[1] / "support" / "openinference_calls.py"
PROTOBUF = "application/x-protobuf"


def to_bytes(*spans: Span) -> bytes:
    """The same export in protobuf, written by OpenTelemetry's own classes."""
    coded = make_export(*copy.deepcopy(spans))
    for span in coded["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId"):
            span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return ParseDict(coded, ExportTraceServiceRequest()).SerializeToString()


def test_openinference_s_spans_are_stored_with_their_logprobs(client: Client) -> None:
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": client.url, "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
    with run_model_server() as model:
        command = [sys.executable, str(CALLS), model.url]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Failed to export" not in done.stderr
    rows = {row["model_id"]: row for row in client.get("/logs?source=otlp").json["data"]}
    assert rows.keys() == {"whole", "streamed", "broken"}
    for name in ("whole", "streamed"):
        assert rows[name]["sequence_confidence"] == pytest.approx(CONFIDENCE), name
        assert rows[name]["final_text"] == "".join(WORDS)
        assert client.log(rows[name]["request_id"])["user_prompt"] == "Capital of France?"
    assert "the model is broken" in client.log(rows["broken"]["request_id"])["error"]
    assert [row["model_id"] for row in client.get("/logs?has_exception=true").json["data"]] == ["broken"]


@pytest.mark.parametrize("is_protobuf", [False, True])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_span_is_a_request_with_its_facts(client: Client, *, is_protobuf: bool, is_packed: bool) -> None:
    span = make_span(make_inference(make_chat("Paris"), **{"tag.tags": ["a"], "metadata": '{"team": "b"}'}))
    body = to_bytes(span) if is_protobuf else json.dumps(make_export(span)).encode()
    headers = {"content_type": PROTOBUF if is_protobuf else "application/json"}
    headers |= {"content_encoding": "gzip"} if is_packed else {}
    answer = client.post_bytes("/v1/traces", gzip.compress(body) if is_packed else body, **headers)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == headers["content_type"]
    assert answer.data == (b"" if is_protobuf else b"{}")
    log = client.log(f"{TRACE}-{SPAN}")
    assert (log["source"], log["model_id"], log["final_text"], log["eos_reason"]) == ("otlp", "m", "Paris", "stop")
    assert (log["created_ts"], log["finished_ts"]) == ("2025-11-24T16:00:00+00:00", "2025-11-24T16:00:02+00:00")
    assert (log["user_prompt"], log["tags"], log["request_tags"]) == ("Capital?", ["a"], {"team": "b"})
    assert (log["steps"][0]["temperature"], log["inference_stats"]["prompt_tokens"]) == (0.5, 5)
    document = client.get(f"/logs/{TRACE}-{SPAN}/trace").json
    resource = make_export()["resourceSpans"][0]["resource"]
    assert document == {
        **make_span({}),
        "attributes": span["attributes"],
        "resource": resource,
        "scope": {"name": "lib"},
    }
    assert export(client, span).json == {}
    assert client.log(f"{TRACE}-{SPAN}")["revision"] == 2, "a retry replaces"


def test_genai_spans_have_no_scores_without_thunder_s_attribute(client: Client) -> None:
    messages = [{"role": "user", "parts": [{"type": "text", "content": "Capital?"}]}]
    output = [{"role": "assistant", "parts": [{"type": "text", "content": "Paris"}], "finish_reason": "stop"}]
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "alias",
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 1,
        "gen_ai.input.messages": json.dumps(messages),
        "gen_ai.output.messages": json.dumps(output),
    }
    assert export(client, make_span(attributes)).json == {}
    log = client.log(f"{TRACE}-{SPAN}")
    assert (log["model_id"], log["final_text"], log["user_prompt"]) == ("m", "Paris", "Capital?")
    assert (log["eos_reason"], log["sequence_confidence"]) == ("stop", None)
    assert "gen_ai.response.logprobs" in log["warnings"][0]
    stats = log["inference_stats"]
    assert (stats["prompt_tokens"], stats["generated_tokens"]) == (5, 1)
    logprobs = json.dumps(make_chat("Paris")["choices"][0]["logprobs"])
    cut = {"output.value": json.dumps(make_chat("Paris"))[:-20]}
    assert export(client, make_span({**attributes, **cut, "gen_ai.response.logprobs": "null"})).json == {}
    assert "is cut off" in client.log(f"{TRACE}-{SPAN}")["warnings"][0]
    entries = json.dumps(make_chat("Paris")["choices"][0]["logprobs"]["content"])
    assert export(client, make_span({**attributes, "gen_ai.response.logprobs": entries})).json == {}
    assert client.log(f"{TRACE}-{SPAN}")["sequence_confidence"] == pytest.approx(0.5)
    assert export(client, make_span({**attributes, "gen_ai.response.logprobs": logprobs})).json == {}
    log = client.log(f"{TRACE}-{SPAN}")
    assert log["sequence_confidence"] == pytest.approx(0.5)
    assert (log["final_text"], log["warnings"]) == ("Paris", [])


def test_other_spans_are_ignored(client: Client) -> None:
    assert export(client, make_span({"gen_ai.operation.name": "acompletion"})).status == 200  # LiteLLM's name
    assert len(client.get("/logs").json["data"]) == 1
    others = [{"openinference.span.kind": "TOOL"}, {"gen_ai.operation.name": "embeddings"}, {"http.method": "GET"}]
    answer = export(client, *(make_span(one, f"{i + 1:016x}") for i, one in enumerate(others)))
    assert (answer.status, answer.json) == (200, {})
    assert [row["request_id"] for row in client.get("/logs").json["data"]] == [f"{TRACE}-{SPAN}"]


def test_a_bad_span_is_named_and_harms_no_other(client: Client) -> None:
    bad = make_chat("a")
    bad["choices"][0]["logprobs"]["content"][0]["logprob"] = 1.5
    spans = [
        make_span(make_inference(bad), "00000000000000aa"),
        make_span(make_inference(make_chat("b"))),
        make_span(make_inference(make_chat("c")), "xyz"),
        make_span({"gen_ai.response.logprobs": "{broken"}, "00000000000000bb"),
    ]
    answer = export(client, *spans)
    assert answer.status == 200
    partial = answer.json["partialSuccess"]
    assert partial["rejectedSpans"] == "3"
    assert "'00000000000000aa': choices[0].logprobs" in partial["errorMessage"]
    assert "'00000000000000bb': gen_ai.response.logprobs: not JSON" in partial["errorMessage"]
    assert "spanId: must be 16 hexadecimal digits" in partial["errorMessage"]
    assert [row["request_id"] for row in client.get("/logs").json["data"]] == [f"{TRACE}-{SPAN}"]
    coded = client.post_bytes("/v1/traces", to_bytes(*spans[:2]), content_type=PROTOBUF)
    assert ExportTraceServiceResponse.FromString(coded.data).partial_success.rejected_spans == 1


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"\xff\xff", PROTOBUF, 400),
        (b"{", "application/json", 400),
        (b'{"resourceSpans": 1}', "application/json", 400),
        (b"", "text/plain", 415),
    ],
)
def test_bodies_that_are_no_export_are_refused(client: Client, body: bytes, content_type: str, status: int) -> None:
    answer = client.post_bytes("/v1/traces", body, content_type=content_type, accept_encoding="gzip")
    error = read_status(answer, is_protobuf=content_type == PROTOBUF)
    assert (answer.status, error.code) == (status, 3 if content_type == PROTOBUF else status)
    assert error.message.startswith("Content-Type: " if status == 415 else "body: "), error.message


def read_status(answer: Answer, *, is_protobuf: bool) -> Any:
    """The error of an export, as OpenTelemetry's collector reads it."""
    if is_protobuf:
        assert answer.headers["Content-Type"] == PROTOBUF
        return Status.FromString(answer.data)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["code"] == answer.status
    return ParseDict(answer.json, Status(), ignore_unknown_fields=True)


@pytest.mark.parametrize("is_protobuf", [False, True])
def test_errors_are_those_of_otlp_wherever_they_arise(
    client: Client, serve: Any, database_url: str, sql: Any, *, is_protobuf: bool
) -> None:
    span = make_span(make_inference(make_chat("a")))
    body = to_bytes(span) if is_protobuf else json.dumps(make_export(span)).encode()
    media_type = PROTOBUF if is_protobuf else "application/json"

    def fail(one: Client, **headers: str) -> tuple[int, str | None]:
        answer = one.post_bytes("/v1/traces", body, content_type=media_type, **headers)
        error = read_status(answer, is_protobuf=is_protobuf)
        assert error.message
        assert error.code == ({401: 16, 503: 14}.get(answer.status, 3) if is_protobuf else answer.status)
        return answer.status, answer.headers.get("Retry-After")

    assert fail(client, x_filler="x" * 40_000) == (431, None)
    assert fail(client, content_encoding="snappy") == (415, None)
    settings = {"DATABASE_URL": database_url, "THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": "s"}
    closed = serve(**settings, INGEST_AUTH="key")
    assert fail(Client(client.pool, closed.url, "")) == (401, None)
    sql.execute("update environment set app_name = 'another'")
    assert fail(client) == (503, "2")


def test_an_empty_export_is_accepted(client: Client) -> None:
    assert client.post_bytes("/v1/traces", b"", content_type=PROTOBUF).status == 200


def test_keys_in_attributes_are_masked(client: Client) -> None:
    key, header = "sk-1234", "sk-the-secret-of-a-caller"
    metadata = json.dumps(
        {"user_api_key_hash": "88dc28d0f030c55ed4ab77", "headers": {"Authorization": f"Bearer {header}"}}
    )
    values = {"user_api_key": key, "metadata": metadata, "http.request.header.authorization": ["Bearer sk-12"]}
    assert export(client, make_span(make_inference(make_chat("a"), **values))).json == {}
    stored = client.get(f"/logs/{TRACE}-{SPAN}/trace").data.decode()
    for secret in (key, header, "sk-12", "88dc28d0f030c55ed4ab77"):
        assert secret not in stored
    assert client.log(f"{TRACE}-{SPAN}")["user_api_key"] == label(key)


def test_ingest_auth_applies(serve: Any, database_url: str) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET="s", INGEST_AUTH="key")
    span = make_span(make_inference(make_chat("a")))
    assert export(client, span).status == 401
    assert export(client, span, authorization=f"Bearer {ADMIN_KEY}").status == 200
    assert export(client, span, x_api_key=ADMIN_KEY).status == 200


def test_nothing_is_acknowledged_that_was_not_committed(client: Client, sql: Any) -> None:
    sql.execute("update environment set app_name = 'another'")
    assert export(client, make_span(make_inference(make_chat("a")))).status == 503
