"""Read responses of Gemini's generateContent, on Google AI and Vertex AI.

Source: the reference of `GenerateContentResponse`, types `LogprobsResult` and `Candidate` (token, tokenId,
logProbability). The chosen token may be outside the top candidates, and its number may differ slightly from its entry
there. The Python clients use snake_case names.
"""

from core.confidence import Token
from core.responses.entry import Alternatives, Names, read_token
from core.responses.expect import (
    MissingLogprobsError,
    expect_first,
    expect_list,
    expect_object,
    expect_parallel,
    expect_tokens,
    find_count,
    find_either,
    find_object,
    find_text,
    list_objects,
)
from core.responses.reading import Completion, Reading, warn_of_others

_NAMES = Names(("tokenId",), "token", logprob="logProbability", prob="probability")
_SNAKE_NAMES = Names(("token_id",), "token", logprob="log_probability", prob="probability")

_PATH = "candidates[0].logprobsResult"

_ASK = 'ask for them with "generationConfig": {"responseLogprobs": true, "logprobs": 5}'


def read_candidates(body: dict[str, object]) -> Reading:
    """Read the first candidate. With candidateCount > 1, the others must be sent separately.

    Raises:
        InvalidInputError: a field has the wrong type, or there are no logprobs.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    candidate = expect_first(body["candidates"], "candidates")
    result = find_either(candidate, "logprobsResult")
    if result is None:
        raise MissingLogprobsError(_PATH, _ASK)
    chosen = find_either(expect_object(result, _PATH), "chosenCandidates")
    if chosen is None:
        raise MissingLogprobsError(f"{_PATH}.chosenCandidates", _ASK)
    rows = expect_tokens(chosen, f"{_PATH}.chosenCandidates")
    tops = find_either(expect_object(result, _PATH), "topCandidates")
    lists = expect_parallel(tops, len(rows), f"{_PATH}.topCandidates")
    completion = _find_completion(body, candidate)
    if not rows and completion.has_tokens:
        raise MissingLogprobsError(f"{_PATH}.chosenCandidates", _ASK)
    tokens = [_read_row(row, lists[i], i) for i, row in enumerate(rows)]
    return Reading(tokens, completion, warn_of_others(body["candidates"], "candidates"))


def _read_row(value: object, top: object, index: int) -> Token:
    path = f"{_PATH}.chosenCandidates[{index}]"
    top_path = f"{_PATH}.topCandidates[{index}]"
    row = expect_object(value, path)
    names = _SNAKE_NAMES if row.keys() & {"token_id", "log_probability"} else _NAMES
    entries = None if top is None else expect_object(top, top_path).get("candidates")
    return read_token(row, path, names, Alternatives(entries, f"{top_path}.candidates", names))


def _find_completion(body: dict[str, object], candidate: dict[str, object]) -> Completion:
    usage = find_object(find_either(body, "usageMetadata"))
    alone = len(expect_list(body["candidates"], "candidates")) == 1
    shown = list_objects(find_object(candidate.get("content")).get("parts"))
    texts = [find_text(part.get("text")) for part in shown if not part.get("thought")]
    return Completion(
        text=None if not texts or None in texts else "".join(text or "" for text in texts),
        count=find_count(find_either(usage, "candidatesTokenCount")) if alone else None,
        ended="MAX_TOKENS" not in str(find_either(candidate, "finishReason")),
    )
