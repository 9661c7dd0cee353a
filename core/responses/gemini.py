"""Responses of Gemini's generateContent, on Google AI and on Vertex AI.

Source: the reference of `GenerateContentResponse`, types `LogprobsResult` and `Candidate` (token, tokenId,
logProbability). The chosen token may be outside the top candidates, and its number may differ a little from theirs.
"""

from core.confidence import Token
from core.responses.entry import Alternatives, Names, read_token
from core.responses.expect import MissingLogprobsError, expect_first, expect_object, expect_parallel, expect_tokens

_NAMES = Names("tokenId", "token", logprob="logProbability", prob="probability")

_PLACE = "candidates[0].logprobsResult"

_ASK = 'ask for them with "generationConfig": {"responseLogprobs": true, "logprobs": 5}'


def read_candidates(body: dict[str, object]) -> list[Token]:
    """Reads the first candidate; with candidateCount > 1 the others have to be sent on their own.

    Raises:
        InvalidInputError: a field is of the wrong type, or there are no logprobs.
        InvalidDistribution: a number is no probability, or a list no distribution.
    """
    result = expect_first(body["candidates"], "candidates").get("logprobsResult")
    if result is None:
        raise MissingLogprobsError(_PLACE, _ASK)
    chosen = expect_object(result, _PLACE).get("chosenCandidates")
    if chosen is None:
        raise MissingLogprobsError(f"{_PLACE}.chosenCandidates", _ASK)
    rows = expect_tokens(chosen, f"{_PLACE}.chosenCandidates")
    tops = expect_parallel(expect_object(result, _PLACE).get("topCandidates"), len(rows), f"{_PLACE}.topCandidates")
    return [_read_row(row, tops[i], i) for i, row in enumerate(rows)]


def _read_row(value: object, top: object, index: int) -> Token:
    place = f"{_PLACE}.chosenCandidates[{index}]"
    top_place = f"{_PLACE}.topCandidates[{index}]"
    entries = None if top is None else expect_object(top, top_place).get("candidates")
    alternatives = Alternatives(entries, f"{top_place}.candidates", _NAMES)
    return read_token(expect_object(value, place), place, _NAMES, alternatives)
