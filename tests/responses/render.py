"""One list of tokens rendered in the format of each server, the reverse of the code under test."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_EMPTY: list[object] = []
"""The field `tokens` of llama.cpp."""


@dataclass(frozen=True)
class Drawn:
    """A chosen token and its list, each as (id, text, logprob)."""

    chosen: tuple[int, str, float]
    listed: list[tuple[int, str, float]]


def _openai(row: tuple[int, str, float]) -> dict[str, Any]:
    return {"token": row[1], "bytes": list(row[1].encode()), "logprob": row[2]}


def _entries(drawn: list[Drawn]) -> list[dict[str, Any]]:
    return [_openai(one.chosen) | {"top_logprobs": [_openai(row) for row in one.listed]} for one in drawn]


def _named(row: tuple[int, str, float], token: str, text: str, number: str) -> dict[str, Any]:
    return {token: row[0], text: row[1], number: row[2]}


def plain(drawn: list[Drawn]) -> Any:
    names = ("token", "text", "logprob")
    return {
        "tokens": [
            _named(one.chosen, *names) | {"top_tokens": [_named(row, *names) for row in one.listed]} for one in drawn
        ]
    }


def openai_chat(drawn: list[Drawn]) -> Any:
    return {"choices": [{"logprobs": {"content": _entries(drawn)}}]}


def openai_responses(drawn: list[Drawn]) -> Any:
    return {"output": [{"content": [{"logprobs": _entries(drawn)}]}]}


def openai_completions(drawn: list[Drawn]) -> Any:
    logprobs = {
        "tokens": [one.chosen[1] for one in drawn],
        "token_logprobs": [one.chosen[2] for one in drawn],
        "top_logprobs": [{row[1]: row[2] for row in one.listed} for one in drawn],
    }
    return {"choices": [{"logprobs": logprobs}]}


def vllm_ids(drawn: list[Drawn]) -> Any:
    def spell(row: tuple[int, str, float]) -> tuple[int, str, float]:
        return row[0], f"token_id:{row[0]}", row[2]

    return openai_completions([Drawn(spell(one.chosen), [spell(row) for row in one.listed]) for one in drawn])


def sglang(drawn: list[Drawn]) -> Any:
    def row(it: tuple[int, str, float]) -> list[object]:
        return [it[2], it[0], it[1]]

    return {
        "meta_info": {
            "output_token_logprobs": [row(one.chosen) for one in drawn],
            "output_top_logprobs": [[row(it) for it in one.listed] or None for one in drawn],
        }
    }


def tgi(drawn: list[Drawn]) -> Any:
    names = ("id", "text", "logprob")
    details = {
        "tokens": [_named(one.chosen, *names) for one in drawn],
        "top_tokens": [[_named(row, *names) for row in one.listed] for one in drawn],
    }
    return [{"details": details}]


def llama_cpp(drawn: list[Drawn]) -> Any:
    names = ("id", "token", "logprob")
    rows = [_named(one.chosen, *names) | {"top_logprobs": [_named(row, *names) for row in one.listed]} for one in drawn]
    return {"tokens": _EMPTY, "completion_probabilities": rows}


def llama_cpp_probs(drawn: list[Drawn]) -> Any:
    def row(it: tuple[int, str, float]) -> dict[str, Any]:
        return {"id": it[0], "token": it[1], "prob": math.exp(it[2])}

    rows = [row(one.chosen) | {"top_probs": [row(it) for it in one.listed]} for one in drawn]
    return {"tokens": _EMPTY, "completion_probabilities": rows}


def ollama(drawn: list[Drawn]) -> Any:
    return {"done": True, "logprobs": _entries(drawn)}


def gemini(drawn: list[Drawn]) -> Any:
    names = ("tokenId", "token", "logProbability")
    result = {
        "chosenCandidates": [_named(one.chosen, *names) for one in drawn],
        "topCandidates": [{"candidates": [_named(row, *names) for row in one.listed]} for one in drawn],
    }
    return {"candidates": [{"logprobsResult": result}]}


EXACT: list[Callable[[list[Drawn]], Any]] = [
    openai_chat,
    openai_responses,
    openai_completions,
    vllm_ids,
    sglang,
    tgi,
    llama_cpp,
    ollama,
    gemini,
]
"""All formats with logprobs except the plain one. `llama_cpp_probs` sends probabilities, which are rounded."""
