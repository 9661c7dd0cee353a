"""A small server with OpenAI's chat API, streamed or not, for the official clients."""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from typing_extensions import override

from tests.support.http_server import serve

WORDS = ("The", " capital", " is", " Paris")
PROBS = (0.9, 0.8, 0.7, 0.6)
CONFIDENCE = math.exp(math.fsum(map(math.log, PROBS)) / len(PROBS))
REFUSING = "no-logprobs"
"""The model that answers 400 to a request for logprobs."""
BROKEN = "broken"
"""The model that answers 500."""


@dataclass
class ModelServer:
    """The running server, and the bodies of the requests that it received."""

    port: int
    pause_s: float = 0.0
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


def make_entries() -> list[dict[str, Any]]:
    """The logprobs of the answer, two alternatives each."""
    return [
        {
            "token": word,
            "logprob": math.log(prob),
            "bytes": list(word.encode()),
            "top_logprobs": [
                {"token": word, "logprob": math.log(prob), "bytes": list(word.encode())},
                {"token": " other", "logprob": math.log((1 - prob) / 2), "bytes": list(b" other")},
            ],
        }
        for word, prob in zip(WORDS, PROBS, strict=True)
    ]


def make_completion(body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a chat."""
    logprobs = {"content": make_entries(), "refusal": None} if body.get("logprobs") else None
    message = {"role": "assistant", "content": "".join(WORDS), "refusal": None}
    choices = [
        {"index": index, "message": message, "logprobs": logprobs, "finish_reason": "stop"}
        for index in range(body.get("n") or 1)
    ]
    return {
        "id": f"chatcmpl-{time.monotonic_ns()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": choices,
        "usage": {"prompt_tokens": 5, "completion_tokens": len(WORDS), "total_tokens": 5 + len(WORDS)},
    }


def make_chunks(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same answer as the chunks of a stream."""
    whole = make_completion(body)
    head = {**{name: whole[name] for name in ("id", "created", "model")}, "object": "chat.completion.chunk"}
    for index in range(len(whole["choices"])):
        for word, entry in zip(WORDS, make_entries(), strict=True):
            logprobs = {"content": [entry], "refusal": None} if body.get("logprobs") else None
            delta = {"role": "assistant", "content": word}
            choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None}
            yield {**head, "choices": [choice]}
        yield {**head, "choices": [{"index": index, "delta": {}, "logprobs": None, "finish_reason": "stop"}]}
    if (body.get("stream_options") or {}).get("include_usage"):
        yield {**head, "choices": [], "usage": whole["usage"]}


def make_response(body: dict[str, Any]) -> dict[str, Any]:
    """The same answer in the responses API."""
    logprobs = make_entries() if "message.output_text.logprobs" in (body.get("include") or []) else []
    part = {"type": "output_text", "text": "".join(WORDS), "annotations": [], "logprobs": logprobs}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return {
        "id": f"resp_{time.monotonic_ns()}",
        "object": "response",
        "created_at": int(time.time()),
        "model": body["model"],
        "status": "completed",
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {"input_tokens": 5, "output_tokens": len(WORDS), "total_tokens": 5 + len(WORDS)},
    }


def make_events(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same answer as the events of a stream."""
    whole = make_response(body)
    (message,) = whole["output"]
    (part,) = message["content"]
    place = {"item_id": message["id"], "output_index": 0, "content_index": 0}
    begun: dict[str, Any] = {**message, "status": "in_progress", "content": []}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        {"type": "response.content_part.added", **place, "part": {**part, "text": "", "logprobs": []}},
    ]
    for i, word in enumerate(WORDS):
        delta = {"delta": word, "logprobs": part["logprobs"][i : i + 1]}
        events.append({"type": "response.output_text.delta", **place, **delta})
    events += [
        {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": part["logprobs"]},
        {"type": "response.completed", "response": whole},
    ]
    yield from ({**event, "sequence_number": number} for number, event in enumerate(events))


@contextmanager
def run_model_server() -> Iterator[ModelServer]:
    """Serve on a free port until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.received.append(body)
            if body["model"] == BROKEN:
                self.answer(500, {"error": {"message": "the model is broken", "type": "server_error"}})
            elif body["model"] == REFUSING and (body.get("logprobs") or body.get("top_logprobs")):
                self.answer(400, {"error": {"message": "logprobs are not supported", "type": "invalid_request_error"}})
            elif body.get("stream"):
                self.stream(make_events(body) if self.path.endswith("/responses") else make_chunks(body))
            else:
                self.answer(200, make_response(body) if self.path.endswith("/responses") else make_completion(body))

        def answer(self, status: int, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def stream(self, chunks: Iterator[dict[str, Any]]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            for chunk in chunks:
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.flush()
                time.sleep(state.pause_s)
            self.wfile.write(b"data: [DONE]\n\n")
            self.close_connection = True

        @override
        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serve(Handler) as port:
        state = ModelServer(port)
        yield state
