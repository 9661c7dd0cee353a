"""Read responses of SGLang's own /generate.

Sources: SGLang's pages "Sampling Parameters" and "SGLang Native APIs", and detokenize_logprob_tokens() in its
tokenizer_manager.py. A token is `[logprob, token_id, text]`. The text is null without `return_text_in_logprobs`;
routers and older versions omit it, and newer versions can omit the id instead.
"""

from core.confidence import Distribution, Token, read_chosen_logprob, read_distribution, read_logprob
from core.errors import InvalidInputError
from core.responses.expect import (
    MissingLogprobsError,
    expect_id,
    expect_list,
    expect_object,
    expect_parallel,
    expect_text,
    expect_tokens,
    find_count,
    find_ids,
    find_object,
    find_text,
)
from core.responses.reading import Completion, Reading

_ASK = 'ask for them with "return_logprob": true, "top_logprobs_num": 20 and "return_text_in_logprobs": true'


def read_meta_info(body: dict[str, object]) -> Reading:
    """Read `meta_info.output_token_logprobs` and `meta_info.output_top_logprobs`. Logprobs of the input are ignored.

    Raises:
        InvalidInputError: a field has the wrong type, or there are no logprobs.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    info = expect_object(body["meta_info"], "meta_info")
    path = "meta_info.output_token_logprobs"
    if info.get("output_token_logprobs") is None:
        raise MissingLogprobsError(path, _ASK)
    rows = expect_tokens(info["output_token_logprobs"], path)
    lists = expect_parallel(info.get("output_top_logprobs"), len(rows), "meta_info.output_top_logprobs")
    completion = Completion(
        text=find_text(body.get("text")),
        ids=find_ids(body.get("output_ids")),
        count=find_count(info.get("completion_tokens")),
        ended=find_object(info.get("finish_reason")).get("type") != "length",
    )
    if not rows and completion.has_tokens:
        raise MissingLogprobsError(path, _ASK)
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
