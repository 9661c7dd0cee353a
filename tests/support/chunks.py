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
