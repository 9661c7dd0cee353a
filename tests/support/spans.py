"""Spans of OpenTelemetry, and exports of them."""

import json
from typing import Any

from tests.support.client import Answer, Client

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
BEGAN = 1_764_000_000_000_000_000
Span = dict[str, Any]


def make_attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    def write(value: Any) -> dict[str, Any]:
        match value:
            case bool():
                return {"boolValue": value}
            case int():
                return {"intValue": str(value)}
            case float():
                return {"doubleValue": value}
            case list():
                return {"arrayValue": {"values": [write(one) for one in value]}}
            case _:
                return {"stringValue": value}

    return [{"key": key, "value": write(value)} for key, value in values.items()]


def make_span(attributes: dict[str, Any], span_id: str = SPAN, **fields: Any) -> Span:
    times = {"startTimeUnixNano": str(BEGAN), "endTimeUnixNano": str(BEGAN + 2_000_000_000)}
    ids = {"traceId": TRACE, "spanId": span_id, "name": "call", "kind": 3}
    return {**ids, **times, "attributes": make_attributes(attributes), **fields}


def make_export(*spans: Span) -> dict[str, Any]:
    resource = {"attributes": make_attributes({"service.name": "app"})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "lib"}, "spans": list(spans)}]}]}


def make_inference(response: object, **more: Any) -> dict[str, Any]:
    request = {"model": "alias", "messages": [{"role": "user", "content": "Capital?"}], "temperature": 0.5}
    values = {
        "openinference.span.kind": "LLM",
        "output.value": json.dumps(response),
        "output.mime_type": "application/json",
    }
    return {**values, "input.value": json.dumps(request), "llm.model_name": "m", "llm.token_count.prompt": 5, **more}


def export(client: Client, *spans: Span, **headers: str) -> Answer:
    return client.post_bytes("/v1/traces", json.dumps(make_export(*spans)).encode(), **headers)
