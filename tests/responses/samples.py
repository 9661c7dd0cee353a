"""The fixtures, and functions that change one."""

import json
from pathlib import Path
from typing import Any

from core.confidence import Token
from core.responses import read_response

FIXTURES = Path(__file__).parent / "fixtures"


def load(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def read_tokens(body: object) -> list[Token]:
    return read_response(body).tokens


def list_of(token: Token) -> list[tuple[int | None, str | None, float]]:
    distribution = token.distribution
    assert distribution is not None
    return list(zip(distribution.tokens, distribution.texts, distribution.logprobs, strict=True))


def summary(tokens: list[Token]) -> list[tuple[int | None, str | None, float | None]]:
    return [(token.token, token.text, token.logprob) for token in tokens]
