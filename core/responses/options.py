"""Read the scoring options: extra keys next to a response of any format."""

from pydantic import Field, ValidationError

from core.confidence import MAX_TOKEN_ID
from core.errors import InvalidInputError
from core.responses.expect import find_first, find_object
from core.responses.recognize import is_from_server, unwrap
from core.wire.models import Body
from core.wire.validation import describe_validation

RAW_LOGPROBS = "raw_logprobs"
"""Mode of Quote's logprobs: from raw logits, before any mod and before temperature. The name comes from vLLM."""

MAX_WINDOW = 100_000
"""Maximum tokens per window of group confidences."""

MAX_MODE_CHARS = 64
"""Maximum length of `logprobs_mode`. vLLM's names have up to 18 characters."""

MAX_VOCAB_SIZE = MAX_TOKEN_ID + 1
"""Maximum size of a vocabulary. An unbounded integer might not convert to a float."""


_NESTED = ("logprobs", "meta_info", "details", "metadata", "extra_body", "sampling_params", "parameters", "options")
"""Objects in which servers and requests hold their settings."""


class ScoreOptions(Body, allow_inf_nan=False):
    """The scoring options. None means that the default applies.

    Attributes:
        window: tokens per window of group confidences.
        vocab_size: V, for the upper bound of the entropy.
        top_p: mass of the nucleus.
        logprobs_mode: how the log-probabilities were computed, in the server's terms (vLLM: raw_logprobs, …).
    """

    window: int | None = Field(default=None, ge=1, le=MAX_WINDOW)
    vocab_size: int | None = Field(default=None, ge=1, le=MAX_VOCAB_SIZE)
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    logprobs_mode: str | None = Field(default=None, max_length=MAX_MODE_CHARS)


def read_options(body: object) -> ScoreOptions:
    """Read the options from a body of any format. Other keys are ignored, and null means absent.

    Raises:
        InvalidInputError: an option has the wrong type or is out of range, or logprobs_mode declares the numbers as
            logits.
    """
    _, _, fields = unwrap(body)
    refuse_logits(fields)
    chosen = {key: fields[key] for key in ScoreOptions.model_fields if key in fields and not _is_echo(key, fields)}
    try:
        options = ScoreOptions.model_validate(chosen)
    except ValidationError as error:
        raise InvalidInputError(describe_validation(error)) from None
    return options


def refuse_logits(fields: dict[str, object], path: str = "") -> None:
    """Reject numbers that are declared as logits.

    Raises:
        InvalidInputError: logprobs_mode declares logits.
    """
    mode = fields.get("logprobs_mode")
    if isinstance(mode, str) and mode.strip().lower().endswith("logits"):
        raise InvalidInputError(
            f"{path}logprobs_mode: logits are not log-probabilities; set the server to send logprobs"
        )


def refuse_nested_logits(fields: dict[str, object], path: str = "") -> None:
    """Reject numbers that are declared as logits within a response, its first choice or the request.

    Raises:
        InvalidInputError: a nested logprobs_mode declares logits.
    """
    choice = find_first(fields.get("choices"))
    places = {f"{path}{name}.": find_object(fields.get(name)) for name in _NESTED}
    places |= {"choices[0].": choice, "choices[0].logprobs.": find_object(choice.get("logprobs"))}
    for place, found in places.items():
        refuse_logits(found, place)


def _is_echo(key: str, fields: dict[str, object]) -> bool:
    """Return whether a `top_p` was written by the server: its sampling setting, which may be 0, or 1 as a float32."""
    if key != "top_p" or not is_from_server(fields):
        return False
    top_p = fields["top_p"]
    return "output" in fields or not isinstance(top_p, float | int) or not 0.0 < top_p <= 1.0
