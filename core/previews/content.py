"""The content of a request's image. This module does not import the libraries that draw it."""

from dataclasses import dataclass

WIDTH, HEIGHT = 1200, 628
"""Size of every image in pixels."""


@dataclass(frozen=True, slots=True)
class PreviewImage:
    """The content of a request's image. Texts of any length and with any characters.

    Attributes:
        model: the model's name.
        max_tokens: the token limit.
        prompt: the user prompt.
        output: the answer.
        injected: the text that a mod injected; empty if no mod injected text.
        confidence: the sequence confidence in words.
        share: the sequence confidence, from 0 to 1; None if unknown.
    """

    model: str
    max_tokens: int | None
    prompt: str
    output: str
    injected: str
    confidence: str
    share: float | None
