"""Parts of the OpenAPI document that the signatures lack: parameters, example bodies, answers rendered as text.

tests/http/test_openapi_descriptions.py posts each example, and compares the answers with the schemas.
"""

import inspect
import re
from typing import Any

import msgspec

from functions.web.rendered import ATTRIBUTES, LOG, POSTED_REPORT, SPANS, STORED_REPORT

REQUEST_ID = "smollm2-force-prefix"
PARAMETERS = {
    "Last-Event-ID": "the position after which the stream resumes: the id of the last event",
    "last_event_id": "as the header Last-Event-ID",
    "action": "the action, for example key.create",
    "actor": "the caller that acted, for example admin or key:1",
    "alert_id": "the id of an alert",
    "api_key": "a user, by user API key or label; for a stream without a key in a header, the key",
    "bins": "the number of bins",
    "calibrator_id": "the id of a calibrator",
    "collection_id": "the id of a collection",
    "cursor": "next_cursor of the previous page",
    "discussion_id": "the id of a comment",
    "everywhere": "whether to sign out all browsers that have signed in with the key",
    "favorited_by": "the name of a person who marked the request as a favorite",
    "feature_id": "the number of a feature",
    "group_by": "the unit of the groups",
    "group_id": "the id of a group of answers to one prompt",
    "has_exception": "whether a mod raised an exception, or the call failed",
    "index": "the index of a token, from 0",
    "k": "the length of the top-k lists",
    "keep": "the share of answers to keep",
    "key_id": "the id of an API key",
    "limit": "the maximum number of rows",
    "max_confidence": "requests with at most this sequence confidence",
    "min_confidence": "requests with at least this sequence confidence",
    "min_hits": "the minimum number of positions at which a feature must be active",
    "mod": "the name of a mod that the request named or called",
    "model": "the name of the model",
    "model_id": "the name of the model of a run",
    "n": "the maximum number of features",
    "offset": "the number of rows to skip",
    "outcome_source": "the source of the outcomes",
    "q": "words of the prompt or the answer",
    "rank_max": "the maximum rank of a feature at its position, where 1 is the strongest feature",
    "request_id": "the id of a request",
    "sae_enabled": "whether the run has features",
    "score": "the name of a score",
    "source": "the origin of the requests",
    "status": "ok, or error for a run that failed",
    "tag": "a tag",
    "token": "the token of a share link",
    "token_end": "the last position",
    "token_start": "the first position",
    "total": "whether to count all matching rows",
    "window": "the number of tokens in a window of group confidence",
}
PATH_EXAMPLES = {"request_id": REQUEST_ID, "group_id": "2-plus-2"}
ANSWER = {
    "id": "example",
    "model": "m",
    "choices": [{"index": 0, "text": "Paris", "logprobs": {"tokens": ["Paris"], "token_logprobs": [-0.2]}}],
}
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/ingest": ANSWER,
    "POST /v1/traces": {"resourceSpans": list[Any]()},
    "POST /v1/score": ANSWER,
    "POST /v1/score/log": ANSWER,
    "POST /v1/alerts": {
        "name": "uncertain answers",
        "kind": "threshold",
        "score": "sequence_confidence",
        "threshold": 0.2,
        "url": "https://receiver.example/",
    },
    "PATCH /v1/alerts/{alert_id}": {"active": False},
    "POST /v1/calibrators": {"score": "mean_token_entropy", "method": "isotonic"},
    "PATCH /v1/calibrators/{calibrator_id}": {"active": True},
    "POST /auth/sign-in": {},
    "POST /auth/bootstrap": {"name": "first", "secret": "the value of BOOTSTRAP_SECRET"},
    "POST /auth/keys": {"name": "engine of team a", "scopes": ["ingest"], "allowed_api_key": "quote-user-2"},
    "PUT /auth/keys": {"id": 1, "description": "on the machine downstairs"},
    "DELETE /auth/keys": {"id": 1},
    "POST /auth/keys/{key_id}/rotate": {"overlap_hours": 24.0},
    "POST /collections": {"name": "to look at", "created_by": "ann"},
    "PUT /collections/{collection_id}": {"name": "looked at"},
    "POST /collections/{collection_id}/requests": {"request_id": REQUEST_ID, "notes": "from the first word on"},
    "PUT /collections/{collection_id}/requests": {"request_id": REQUEST_ID, "notes": "fixed"},
    "DELETE /collections/{collection_id}/requests": {"request_id": REQUEST_ID},
    "POST /logs/{request_id}/collections": {"collection_id": 1},
    "DELETE /logs/{request_id}/collections": {"collection_id": 1},
    "POST /logs/{request_id}/tags": {"tag": "good"},
    "DELETE /logs/{request_id}/tags": {"tag": "good"},
    "POST /logs/{request_id}/favorite": {"name": "ann"},
    "DELETE /logs/{request_id}/favorite": {"name": "ann"},
    "PUT /logs/{request_id}/hold": {"reason": "case 12"},
    "POST /logs/{request_id}/discussions": {"username": "ann", "comment": "It never says why."},
    "PUT /logs/{request_id}/discussions/{discussion_id}": {"comment": "It says why at the end."},
    "POST /logs/{request_id}/outcome": {"correct": False, "source": "reviewer"},
    "POST /logs/{request_id}/public": {"expires_at": "2099-01-01T00:00:00Z"},
    "POST /playground/api-key": {"session_id": "ann"},
    "POST /playground/inference": {
        "model": "llama-3.1-8b",
        "messages": [{"role": "user", "content": "Say hello in five languages."}],
        "max_tokens": 60,
    },
    "POST /playground/mods/generate": {"config": {"position": "start", "injection_string": "Certainly! "}},
    "POST /playground/mods/upload": {
        "model": "llama-3.1-8b",
        "code": "the code of the answer of /playground/mods/generate",
        "mod_name": "playground_mod",
    },
    "POST /playground/features/extract": {"model": "llama-3.1-8b", "tokens": [9906, 1917], "top_k": 5},
    "POST /playground/features/analyze": {
        "model": "llama-3.1-8b",
        "feature_timeline": [
            {"position": 0, "token": 9906, "token_str": "Hello", "top_features": [{"id": 5, "activation": 1.5}]}
        ],
    },
    "POST /playground/activations/run": {"prompt": "Say hello in five languages.", "max_tokens": 60},
    "POST /playground/activations/extract": {"token_ids": [9906, 1917], "top_k": 5},
}
TEXT = {"type": "string"}
RENDERED = {
    "GET /logs/{request_id}": LOG,
    "POST /v1/score/log": LOG,
    "GET /share/request/{token}": LOG,
    "GET /share/{token}/request/{request_id}": LOG,
    "GET /v1/confidence/{request_id}": STORED_REPORT,
    "POST /v1/score": POSTED_REPORT,
    "GET /v1/confidence/{request_id}/spans": SPANS,
}
ANSWERS: dict[str, dict[str, Any]] = {
    "GET /logs/{request_id}/trace": {"type": "object", "description": "the posted document, with user API keys masked"},
    "POST /v1/traces": {"type": "object", "description": "an ExportTraceServiceResponse of OTLP"},
    "GET /metrics": TEXT,
}
MEDIA = {"GET /metrics": "text/plain"}
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)


def describe(document: dict[str, Any]) -> None:
    """Add the descriptions, examples and schemas to an OpenAPI document."""
    references, components = msgspec.json.schema_components(
        RENDERED.values(), ref_template="#/components/schemas/{name}"
    )
    answers = ANSWERS | dict(zip(RENDERED, references, strict=True))
    schemas: dict[str, Any] = document["components"]["schemas"]
    schemas |= components
    for schema in schemas.values():
        _describe_members(schema)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            route = f"{method.upper()} {path}"
            for parameter in operation.get("parameters", []):
                _describe_parameter(parameter)
            if route in BODIES:
                operation["requestBody"]["content"]["application/json"]["example"] = BODIES[route]
            _describe_answers(answers.get(route), MEDIA.get(route, "application/json"), operation["responses"])


def _describe_parameter(parameter: dict[str, Any]) -> None:
    name = parameter["name"]
    if name in PARAMETERS:
        parameter.setdefault("description", PARAMETERS[name])
    if parameter["in"] == "path" and name in PATH_EXAMPLES:
        parameter["example"] = PATH_EXAMPLES[name]


def _describe_members(schema: dict[str, Any]) -> None:
    """Move the attributes that a docstring describes from the description of an object to its members."""
    documented = inspect.cleandoc(schema.get("description", "")).replace("None", "null")
    description, _, attributes = documented.partition(ATTRIBUTES)
    if description:
        schema["description"] = description.strip()
    for name, text in _ATTRIBUTE.findall(attributes):
        if name in schema["properties"]:
            schema["properties"][name]["description"] = " ".join(text.split())


def _describe_answers(schema: dict[str, Any] | None, media_type: str, responses: dict[str, Any]) -> None:
    content: dict[str, Any] = responses.get("200", {}).setdefault("content", {}) if "200" in responses else {}
    if schema is not None:
        content.setdefault(media_type, {})["schema"] = schema
    for kind, media in content.items():
        if not kind.endswith("json"):
            binary = {"type": "string", "format": "binary"} if kind.startswith("image/") else TEXT
            media.setdefault("schema", binary)
