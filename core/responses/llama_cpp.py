"""Read responses of llama.cpp's own /completion.

Source: tools/server/README.md of llama.cpp ("Response format" of POST /completion) and completion_token_output in its
server. There are three forms: `{id, token, bytes, logprob, top_logprobs}`; with `post_sampling_probs`
`{…, prob, top_probs}`; and until the end of 2024 `{content, probs: [{tok_str, prob}]}`, where the chosen token has no
number of its own. The server writes p = 0 as the lowest float, which counts as masked.
"""

from collections.abc import Sequence

from core.confidence import Token
from core.responses.entry import Alternatives, Names, read_token
from core.responses.expect import Body, expect_object, find_count, find_ids, find_number, find_object, find_text
from core.responses.merge import merge
from core.responses.reading import Reading, complete, require_rows
from core.responses.shape import Shape
from core.responses.summary import Summary

_NAMES = Names(("id",), "token")
_OLD_CHOSEN = Names(("id",), "content")
_OLD_LISTED = Names(("id",), "tok_str")

_PATH = "completion_probabilities"
_LISTS = ("top_logprobs", "top_probs", "probs")

_ASK = 'ask for them with "n_probs": 20'


def _read(body: Body) -> Reading:
    """Read `completion_probabilities`. With `n_probs` 0 the server omits it and sends an empty `tokens`."""
    completion = complete(_summarize(body), ids=find_ids(body.get("tokens")))
    given = body.get(_PATH)
    rows = require_rows(given if given or given == [] else None, _PATH, _ASK, completion)
    return Reading([_read_row(row, f"{_PATH}[{i}]") for i, row in enumerate(rows)], completion)


def _read_row(value: object, path: str) -> Token:
    row = expect_object(value, path)
    old = "token" not in row and "content" in row
    given = [key for key in _LISTS if row.get(key) is not None]
    key = next((key for key in given if row[key]), given[0] if given else _LISTS[0])
    names = _OLD_LISTED if old else _NAMES
    return read_token(row, path, _OLD_CHOSEN if old else _NAMES, Alternatives(row.get(key), f"{path}.{key}", names))


def _summarize(body: Body) -> Summary:
    timings = find_object(body.get("timings"))
    spent = [find_number(timings.get(name)) for name in ("prompt_ms", "predicted_ms")]
    return Summary(
        model=find_text(body.get("model")),
        text=find_text(body.get("content")),
        finish_reason=find_text(body.get("stop_type")),
        prompt_tokens=find_count(body.get("tokens_evaluated")),
        generated_tokens=find_count(body.get("tokens_predicted")),
        seconds=None if None in spent else sum(one or 0.0 for one in spent) / 1000,
    )


def _join(chunks: Sequence[Body]) -> Body:
    """Join chunks of /completion."""
    whole: Body = {}
    for chunk in chunks:
        merge(whole, {name: chunk[name] for name in ("content", "tokens", _PATH) if name in chunk})
    return {**chunks[-1], **whole, "stop": True}


LLAMA_CPP = Shape(
    source="llama.cpp",
    key=_PATH,
    signs=frozenset({_PATH, "tokens_predicted"}),
    read=_read,
    summarize=_summarize,
    find_chunk=lambda body: "stop" if body.get("stop") is False and "content" in body else None,
    is_chunk=lambda body: "stop" in body and "content" in body,
    join=_join,
)
