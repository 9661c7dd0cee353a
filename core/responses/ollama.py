"""Read responses of Ollama's own /api/generate and /api/chat.

Source: Ollama's docs/openapi.yaml, schemas `GenerateResponse`, `ChatResponse` and `Logprob`. The entries have the
format of OpenAI's chat completions, but are at the top level and only present if requested.
"""

from core.responses.expect import MissingLogprobsError, find_count, find_object, find_text
from core.responses.openai import read_entries
from core.responses.reading import Completion, Reading

_ASK = 'ask for them with "logprobs": true and "top_logprobs": 20'


def read_ollama(body: dict[str, object]) -> Reading:
    """Read `logprobs: [{token, logprob, bytes, top_logprobs}]`.

    Raises:
        InvalidInputError: a field has the wrong type, or there are no logprobs.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    message = find_object(body.get("message"))
    has_more = body.get("thinking") or message.get("thinking") or message.get("tool_calls")
    text = None if has_more else find_text(body.get("response", message.get("content")))
    completion = Completion(text, count=find_count(body.get("eval_count")), ended=body.get("done_reason") != "length")
    if body.get("logprobs") is None or (body["logprobs"] == [] and completion.has_tokens):
        raise MissingLogprobsError("logprobs", _ASK)
    return Reading(read_entries(body["logprobs"], "logprobs"), completion)
