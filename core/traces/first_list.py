"""The prompt of a request and the top-k list of its first token, to compare requests with the same prompt.

The first list depends on the prompt and the model alone. Later lists also depend on the tokens drawn before.
"""

from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

import orjson

from core.confidence import Distribution
from core.pairing.scored_trace import ScoredTrace

MAX_FIRST_TOKENS = 20
"""Maximum entries of the first list that are stored."""
DIGEST_BYTES = 8

Prompt = dict[str, object]

NESTED = ("parameters", "options", "sampling_params", "generationConfig", "generation_config", "extra_body")
"""Fields of a request that contain parameters of sampling."""
_IRRELEVANT = frozenset(
    {
        *("model", "n", "best_of", "seed", "rng_seed", "random_seed", "stop", "stop_sequences", "stopSequences"),
        *("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "maxOutputTokens"),
        *("n_predict", "num_predict", "candidateCount", "num_return_sequences", "ignore_eos", "truncate"),
        *("logprobs", "top_logprobs", "n_probs", "top_n_tokens", "return_logprob", "top_logprobs_num", "details"),
        *("responseLogprobs", "prompt_logprobs", "return_token_ids", "return_tokens_as_token_ids", "echo", "include"),
        *("stream", "stream_options", "user", "safety_identifier", "prompt_cache_key", "metadata", "store"),
        *("service_tier", "timeout", "extra_headers", "request_id", "id", "cache_prompt", "keep_alive", "priority"),
    }
)
"""Fields of a request that don't change the distribution of the first token."""


class FirstList(NamedTuple):
    """The most likely first tokens, and their log-probabilities in nats, descending.

    A token without an id has a negative digest of its text instead.
    """

    tokens: list[int]
    logprobs: list[float]


def find_prompt(trace: ScoredTrace) -> Prompt:
    """Return the prompt of a Quote trace: the input of its first forward pass, else the prompts of the request."""
    request, first = trace.document.request, next(iter(trace.pairing.passes), None)
    if first is not None and first.event.input_text is not None:
        return {"input_text": first.event.input_text}
    parts: Prompt = {
        "system_prompt": request.system_prompt,
        "system_prompt_token_ids": request.system_prompt_token_ids,
        "user_prompt": request.user_prompt,
        "user_prompt_token_ids": request.user_prompt_token_ids,
    }
    return {name: part for name, part in parts.items() if part}


def digest_prompt(prompt: Prompt) -> int | None:
    """Return a 64-bit digest of everything that determines the first token's distribution, except the model.

    None if the prompt is unknown, or can't be written as JSON.
    """
    kept = _drop_irrelevant(prompt)
    for name in NESTED:
        nested = kept.get(name)
        if isinstance(nested, dict):
            kept[name] = _drop_irrelevant(nested)
    try:
        text = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS) if kept else b""
    except orjson.JSONEncodeError:
        return None
    return int.from_bytes(blake2b(text, digest_size=DIGEST_BYTES).digest(), signed=True) if text else None


def find_first_list(trace: ScoredTrace) -> FirstList | None:
    """Return the list of the first forward pass. Masked entries are left out. None if the pass has no list."""
    first, lists = next(iter(trace.pairing.passes), None), trace.pairing.lists
    if first is None or first.row is None:
        return None
    if lists.table is None:
        return _read_list(lists.get(first.row))
    row, count = first.row, min(int(lists.table.sizes[first.row]), MAX_FIRST_TOKENS)
    return FirstList(lists.table.tokens[row, :count].tolist(), lists.table.logprobs[row, :count].tolist())


def _read_list(listed: Distribution) -> FirstList | None:
    count = min(listed.live, MAX_FIRST_TOKENS)
    rows = list(zip(listed.tokens[:count], listed.texts[:count], listed.logprobs[:count], strict=True))
    named: dict[int, float] = {}
    for token, text, logprob in rows:
        number = _digest_text(text, named) if token is None else token
        named[number] = logprob
    return FirstList([*named], [*named.values()]) if named else None


def _digest_text(text: str | None, taken: dict[int, float]) -> int:
    """Return a negative number for a text. Different tokens can have the same text, such as parts of characters."""
    number = -1 - (crc32((text or "").encode("utf-8", "surrogatepass")) >> 1)
    while number in taken:
        number = number + 1 if number < -1 else -(2**31)
    return number


def _drop_irrelevant(fields: Prompt) -> Prompt:
    return {name: value for name, value in fields.items() if name not in _IRRELEVANT and value is not None}
