"""The facts of a response other than its tokens: id, model, text, finish reason, usage and times."""

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Summary:
    """Facts of a response. None if the response doesn't contain the fact.

    Attributes:
        request_id: the server's id of the response.
        text: the answer.
        finish_reason: why the generation ended, in the server's words.
        began: time as sent.
        ended: time as sent.
        seconds: duration.
    """

    request_id: str | None = None
    model: str | None = None
    text: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    generated_tokens: int | None = None
    total_tokens: int | None = None
    began: object = None
    ended: object = None
    seconds: float | None = None

    def fill(self, other: "Summary") -> "Summary":
        """Return this summary, with the facts that it lacks taken from another."""
        missing = [field.name for field in fields(self) if getattr(self, field.name) is None]
        return replace(self, **{name: getattr(other, name) for name in missing})
