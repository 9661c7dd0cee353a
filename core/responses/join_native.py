"""Join the chunks of servers with APIs of their own. Each stream has one answer, except for Gemini's."""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from core.responses.expect import Body, find_count, find_either, find_list, find_object, find_text, list_objects
from core.responses.merge import merge


def join_ollama(chunks: Sequence[Body]) -> Body:
    """Join chunks of /api/generate (`response`) and /api/chat (`message`)."""
    whole: Body = {}
    for chunk in chunks:
        merge(whole, {name: chunk[name] for name in ("response", "thinking", "message", "logprobs") if name in chunk})
    return {**chunks[0], **chunks[-1], **whole, "done": True}


def join_llama_cpp(chunks: Sequence[Body]) -> Body:
    """Join chunks of /completion."""
    whole: Body = {}
    for chunk in chunks:
        merge(whole, {name: chunk[name] for name in ("content", "tokens", "completion_probabilities") if name in chunk})
    return {**chunks[-1], **whole, "stop": True}


def join_tgi(chunks: Sequence[Body]) -> Body:
    """Join chunks of /generate_stream, which have one token each."""
    tokens = [chunk["token"] for chunk in chunks if chunk.get("token") is not None]
    tops = [chunk.get("top_tokens") or list[object]() for chunk in chunks if chunk.get("token") is not None]
    last = chunks[-1]
    texts = [find_text(token.get("text")) or "" for token in map(find_object, tokens) if not token.get("special")]
    details = {**find_object(last.get("details")), "tokens": tokens, "top_tokens": tops if any(tops) else None}
    return {"generated_text": find_text(last.get("generated_text")) or "".join(texts), "details": details}


def join_sglang(chunks: Sequence[Body]) -> Body:
    """SGLang repeats everything so far in each chunk, unless it was started with incremental output.

    Texts alone can't show which, because the answer may be `a`, `aa`; so the tokens decide.
    """
    infos = [find_object(chunk.get("meta_info")) for chunk in chunks]
    rows = [find_list(info.get("output_token_logprobs")) for info in infos]
    pieces = [find_text(chunk.get("text")) or "" for chunk in chunks]
    count = find_count(infos[-1].get("completion_tokens"))
    has_rows_so_far = _repeats(rows) and count in {None, len(rows[-1])}
    last = chunks[-1]
    lists: Body = {}
    if not has_rows_so_far:
        for info in infos:
            merge(
                lists, {name: info[name] for name in ("output_token_logprobs", "output_top_logprobs") if name in info}
            )
    spelled = _spell([row for part in rows for row in part] if not has_rows_so_far else rows[-1])
    has_text_so_far = spelled == pieces[-1] or (spelled != "".join(pieces) and _repeats(pieces))
    ids = [find_list(chunk.get("output_ids")) for chunk in chunks]
    has_ids_so_far = _repeats(ids) and count in {None, len(ids[-1])}
    all_ids = {} if has_ids_so_far else {"output_ids": [one for part in ids for one in part]}
    text = pieces[-1] if has_text_so_far else "".join(pieces)
    return {**last, **all_ids, "text": text, "meta_info": {**infos[-1], **lists}}


def _repeats(parts: Sequence[str] | Sequence[list[object]]) -> bool:
    """Whether each part begins with the previous one."""
    return all(later[: len(earlier)] == earlier for earlier, later in pairwise(parts))


def _spell(rows: Sequence[object]) -> str | None:
    """Return the text of `[logprob, id, text]` rows; None if one has no text."""
    texts = [row[2] if isinstance(row, list) and len(row) == 3 else None for row in rows]
    return "".join(cast("list[str]", texts)) if texts and all(isinstance(text, str) for text in texts) else None


def join_gemini(chunks: Sequence[Body]) -> Body:
    """Join chunks of streamGenerateContent by candidate."""
    whole: Body = {}
    for chunk in chunks:
        merge(whole, {name: value for name, value in chunk.items() if name != "candidates"})
        for name in ("usageMetadata", "usage_metadata", "responseId", "modelVersion", "createTime"):
            if chunk.get(name) is not None:
                whole[name] = chunk[name]
    candidates: dict[int, Body] = {}
    for part in (part for chunk in chunks for part in list_objects(chunk.get("candidates"))):
        index = part.get("index")
        candidate = candidates.setdefault(index if type(index) is int else 0, {})
        merge(candidate, {name: value for name, value in part.items() if name not in ("finishReason", "finish_reason")})
        reason = find_either(part, "finishReason")
        if reason is not None:
            candidate["finishReason"] = reason
    return {**whole, "candidates": [candidates[index] for index in sorted(candidates)]}
