"""How a response is to be scored: extra keys that may stand beside it, whatever its shape."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.confidence import MAX_TOKEN_ID
from core.errors import InvalidInputError
from core.responses.recognize import is_from_server, unwrap
from core.wire.validation import describe_validation

MAX_WINDOW = 100_000
"""Tokens of the widest window of group confidences."""

MAX_MODE_CHARS = 64
"""Characters of `logprobs_mode`; vLLM's names for it have up to 18."""

MAX_VOCAB_SIZE = MAX_TOKEN_ID + 1
"""Tokens of a vocabulary; a number without bound could not even be divided by."""


class ScoreOptions(BaseModel):
    """What a request for scores may choose; None where it leaves the choice to us.

    Attributes:
        window: tokens of a window of group confidences.
        vocab_size: V, for the upper bound of the entropy.
        top_p: the mass of the nucleus.
        logprobs_mode: what was done to the logits before, in the sender's words (vLLM: raw_logprobs, …).
    """

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)

    window: int | None = Field(default=None, ge=1, le=MAX_WINDOW)
    vocab_size: int | None = Field(default=None, ge=1, le=MAX_VOCAB_SIZE)
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    logprobs_mode: str | None = Field(default=None, max_length=MAX_MODE_CHARS)


def read_options(body: object) -> ScoreOptions:
    """The options in a body of any shape; its other keys are not looked at.

    Raises:
        InvalidInputError: one is of the wrong type or out of range (null is as good as absent), or the numbers are
            declared to be logits.
    """
    _, _, fields = unwrap(body)
    chosen = {key: fields[key] for key in ScoreOptions.model_fields if key in fields and not _is_echo(key, fields)}
    try:
        options = ScoreOptions.model_validate(chosen)
    except ValidationError as error:
        raise InvalidInputError(describe_validation(error)) from None
    if options.logprobs_mode and options.logprobs_mode.strip().lower().endswith("logits"):
        raise InvalidInputError("logprobs_mode: logits are no log-probabilities; have the server send logprobs instead")
    return options


def _is_echo(key: str, fields: dict[str, object]) -> bool:
    """Whether the server wrote it: the one that it sampled with, which may be 0, or 1 as a float32."""
    if key != "top_p" or not is_from_server(fields):
        return False
    top_p = fields["top_p"]
    return "output" in fields or (isinstance(top_p, float | int) and not 0.0 < top_p <= 1.0)
