"""Cut responses into the chunks of a stream."""

import json
import math
from typing import Any

from tests.support.model_server import PROBS, WORDS, make_chunks

Chunks = list[dict[str, Any]]
ENTRIES = [{"token": word, "logprob": math.log(prob)} for word, prob in zip(WORDS, PROBS, strict=True)]
PAIRS = list(zip(WORDS, PROBS, strict=True))


def write_events(chunks: Chunks, end: str = "\n") -> str:
    return "".join(f": note{end}event: x{end}data: {json.dumps(chunk)}{end}{end}" for chunk in chunks)


def make_chat(n: int = 1) -> Chunks:
    return list(make_chunks({"model": "m", "logprobs": True, "n": n, "stream_options": {"include_usage": True}}))


def make_legacy() -> Chunks:
    head = {"id": "cmpl-1", "object": "text_completion", "created": 5, "model": "m"}
    chunks: Chunks = []
    for word, prob in PAIRS:
        lists = {"tokens": [word], "token_logprobs": [math.log(prob)], "top_logprobs": [{word: math.log(prob)}]}
        chunks.append({**head, "choices": [{"index": 0, "text": word, "logprobs": lists, "finish_reason": None}]})
    chunks.append({**head, "choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}]})
    return chunks


def make_ollama() -> Chunks:
    chunks: Chunks = [
        {"model": "m", "message": {"role": "assistant", "content": word}, "logprobs": [entry], "done": False}
        for word, entry in zip(WORDS, ENTRIES, strict=True)
    ]
    end = {"content": "", "role": "assistant"}
    return [*chunks, {"model": "m", "message": end, "done": True, "done_reason": "stop", "eval_count": 4}]


def make_tgi() -> Chunks:
    chunks: Chunks = [
        {"index": i, "token": {"id": i, "text": word, "logprob": math.log(prob), "special": False}}
        for i, (word, prob) in enumerate(PAIRS)
    ]
    for chunk in chunks:
        chunk |= {"generated_text": None, "details": None}
    chunks[-1] |= {"generated_text": "".join(WORDS), "details": {"finish_reason": "eos_token", "generated_tokens": 4}}
    return chunks


def make_llama_cpp() -> Chunks:
    chunks: Chunks = [
        {"content": word, "stop": False, "completion_probabilities": [{"id": i, **entry, "top_logprobs": list[Any]()}]}
        for i, (word, entry) in enumerate(zip(WORDS, ENTRIES, strict=True))
    ]
    return [*chunks, {"content": "", "stop": True, "stop_type": "eos", "tokens_predicted": 4, "model": "m"}]


def make_events(*, is_complete: bool = True) -> Chunks:
    """Events of the responses API, whose last one has no logprobs, as in older versions."""
    place = {"output_index": 0, "content_index": 0}
    response = {"id": "resp_1", "model": "m", "created_at": 5, "status": "in_progress", "output": list[Any]()}
    events: Chunks = [{"type": "response.created", "response": response}]
    for entry in ENTRIES:
        delta = {"type": "response.output_text.delta", **place, "delta": entry["token"], "logprobs": [entry]}
        events.append(delta)
    if is_complete:
        part = {"type": "output_text", "text": "".join(WORDS), "logprobs": list[Any]()}
        done = {**response, "status": "completed", "output": [{"type": "message", "content": [part]}]}
        events.append({"type": "response.completed", "response": done})
    return events


def make_sglang(*, is_whole: bool) -> Chunks:
    rows = [[math.log(prob), i, word] for i, (word, prob) in enumerate(PAIRS)]
    chunks: Chunks = []
    for i in range(len(WORDS)):
        first = 0 if is_whole else i
        info = {"output_token_logprobs": rows[first : i + 1], "completion_tokens": i + 1}
        info |= {"finish_reason": {"type": "stop"} if i == len(WORDS) - 1 else None}
        chunks.append({"text": "".join(WORDS[first : i + 1]), "meta_info": info})
    return chunks


def make_gemini() -> Chunks:
    chunks: Chunks = []
    for word, prob in PAIRS:
        chosen = [{"token": word, "logProbability": math.log(prob)}]
        candidate = {
            "content": {"role": "model", "parts": [{"text": word}]},
            "logprobsResult": {"chosenCandidates": chosen},
        }
        chunks.append({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 3}})
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    return chunks


def make_together() -> Chunks:
    """Chunks with the number of one token each, whose text they have twice."""
    chunks: Chunks = []
    for i, (word, prob) in enumerate(PAIRS):
        delta = {"role": "assistant", "content": word, "token_id": i}
        choice = {"index": 0, "text": word, "delta": delta, "logprobs": math.log(prob), "finish_reason": None}
        chunks.append({"id": "t-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})
    chunks[-1]["choices"][0]["finish_reason"] = "stop"
    return chunks


AZURE: dict[str, Any] = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": []}
"""The first chunk of Azure's streams. Its last one may have no names, either."""
STREAMS: dict[str, Chunks] = {
    "chat": make_chat(),
    "azure": [AZURE, *make_chat(), AZURE],
    "legacy": make_legacy(),
    "responses": make_events(),
    "ollama": make_ollama(),
    "tgi": make_tgi(),
    "llama.cpp": make_llama_cpp(),
    "sglang": make_sglang(is_whole=True),
    "sglang, incremental": make_sglang(is_whole=False),
    "gemini": make_gemini(),
    "together": make_together(),
}
