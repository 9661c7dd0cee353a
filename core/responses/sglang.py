"""Read responses of SGLang's own /generate.

Sources: SGLang's pages "Sampling Parameters" and "SGLang Native APIs", and detokenize_logprob_tokens() in its
tokenizer_manager.py. A token is `[logprob, token_id, text]`. The text is null without `return_text_in_logprobs`;
routers and older versions omit it, and newer versions can omit the id instead.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from core.confidence import Distribution, Token, read_chosen_logprob, read_distribution, read_logprob
from core.errors import InvalidInputError
from core.responses.expect import (
    Body,
    expect_id,
    expect_list,
    expect_object,
    expect_parallel,
    expect_text,
    find_count,
    find_id,
    find_ids,
    find_list,
    find_number,
    find_object,
    find_text,
)
from core.responses.merge import merge
from core.responses.reading import Reading, complete, require_rows
from core.responses.shape import Shape
from core.responses.summary import Summary

_ASK = 'ask for them with "return_logprob": true, "top_logprobs_num": 20 and "return_text_in_logprobs": true'


def _read(body: Body) -> Reading:
    """Read `meta_info.output_token_logprobs` and `meta_info.output_top_logprobs`. Logprobs of the input are ignored."""
    info = expect_object(body["meta_info"], "meta_info")
    path = "meta_info.output_token_logprobs"
    completion = complete(_summarize(body), ids=find_ids(body.get("output_ids")))
    rows = require_rows(info.get("output_token_logprobs"), path, _ASK, completion)
    lists = expect_parallel(info.get("output_top_logprobs"), len(rows), "meta_info.output_top_logprobs")
    return Reading([_read_token(row, f"{path}[{i}]", lists[i], i) for i, row in enumerate(rows)], completion)


def _read_token(row: object, path: str, entries: object, index: int) -> Token:
    number, token, text = _read_row(row, path)
    logprob = read_chosen_logprob(number, f"{path}[0]")
    return Token(token, text, logprob, distribution=_read_list(entries, f"meta_info.output_top_logprobs[{index}]"))


def _read_list(value: object, path: str) -> Distribution | None:
    if value is None:
        return None
    entries = expect_list(value, path)
    return read_distribution([_read_entry(entry, f"{path}[{i}]") for i, entry in enumerate(entries)], path)


def _read_entry(row: object, path: str) -> dict[str, object]:
    number, token, text = _read_row(row, path)
    return {"token": token, "text": text, "logprob": read_logprob(number, f"{path}[0]")}


def _read_row(value: object, path: str) -> tuple[object, int | None, str | None]:
    """Split a row into (logprob, id, text).

    The logprob is returned as sent, because null has a different meaning for chosen and for listed tokens.
    """
    row = expect_list(value, path)
    if len(row) not in {2, 3}:
        raise InvalidInputError(f"{path}: must be [logprob, token_id, text], not a list of {len(row)}")
    if len(row) == 2 and isinstance(row[1], str):
        return row[0], None, row[1]
    return row[0], expect_id(row[1], f"{path}[1]"), expect_text(row[2] if len(row) == 3 else None, f"{path}[2]")


def _summarize(body: Body) -> Summary:
    info = find_object(body.get("meta_info"))
    return Summary(
        request_id=find_id(info.get("id")),
        text=find_text(body.get("text")),
        finish_reason=find_text(find_object(info.get("finish_reason")).get("type")),
        prompt_tokens=find_count(info.get("prompt_tokens")),
        generated_tokens=find_count(info.get("completion_tokens")),
        seconds=find_number(info.get("e2e_latency")),
    )


def _join(chunks: Sequence[Body]) -> Body:
    """Join chunks of /generate. Each repeats everything so far, unless SGLang was started with incremental output.

    The texts alone don't show which is the case: the texts `a`, `aa` fit both. The tokens therefore decide.
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
    info = {name: value for name, value in infos[-1].items() if name != "finish_reason" or value is not None}
    return {**last, **all_ids, "text": text, "meta_info": {**info, **lists}}


def _repeats(parts: Sequence[str] | Sequence[list[object]]) -> bool:
    """Return whether each part begins with the previous one."""
    return all(later[: len(earlier)] == earlier for earlier, later in pairwise(parts))


def _spell(rows: Sequence[object]) -> str | None:
    """Return the text of `[logprob, id, text]` rows; None if one has no text."""
    texts = [row[2] if isinstance(row, list) and len(row) == 3 else None for row in rows]
    return "".join(cast("list[str]", texts)) if texts and all(isinstance(text, str) for text in texts) else None


def _find_chunk(body: Body) -> str | None:
    info = find_object(body.get("meta_info"))
    return "meta_info.finish_reason" if info.get("finish_reason", "") is None else None


SGLANG = Shape(
    source="sglang",
    key="meta_info",
    signs=frozenset({"meta_info"}),
    read=_read,
    summarize=_summarize,
    find_chunk=_find_chunk,
    is_chunk=lambda body: "meta_info" in body,
    join=_join,
)
