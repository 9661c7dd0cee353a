"""Responses of Ollama's own /api/generate and /api/chat.

Source: Ollama's docs/openapi.yaml, schemas `GenerateResponse`, `ChatResponse` and `Logprob`: the entries are those of
OpenAI's chat completions, but at the top level, and left out unless asked for.
"""

from core.confidence import Token
from core.responses.expect import MissingLogprobsError
from core.responses.openai import read_logprobs

_ASK = 'ask for them with "logprobs": true and "top_logprobs": 20'


def read_ollama(body: dict[str, object]) -> list[Token]:
    """Reads `logprobs: [{token, logprob, bytes, top_logprobs}]`.

    Raises:
        InvalidInputError: a field is of the wrong type, or there are no logprobs.
        InvalidDistribution: a number is no probability, or a list no distribution.
    """
    if body.get("logprobs") is None:
        raise MissingLogprobsError("logprobs", _ASK)
    return read_logprobs(body["logprobs"], "logprobs")
