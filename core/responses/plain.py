"""The plain form, for whoever has no server's response: our own words, documented at POST /v1/score."""

from core.confidence import Distribution, Token, read_chosen_logprob, read_distribution
from core.errors import InvalidInputError
from core.responses.expect import expect_id, expect_list, expect_object, expect_text, expect_tokens


def read_plain(body: dict[str, object]) -> list[Token]:
    """Reads `{tokens: [{token?, text?, logprob?, forced?, top_tokens?: [{token?, text?, logprob | prob}]}]}`.

    Raises:
        InvalidInputError: a field is of the wrong type.
        InvalidDistribution: a number is no probability, or a list no distribution.
    """
    rows = expect_tokens(body["tokens"], "tokens")
    return [_read_row(row, f"tokens[{i}]") for i, row in enumerate(rows)]


def _read_row(value: object, place: str) -> Token:
    row = expect_object(value, place)
    forced = _read_flag(row.get("forced"), f"{place}.forced")
    return Token(
        expect_id(row.get("token"), f"{place}.token"),
        expect_text(row.get("text"), f"{place}.text"),
        read_chosen_logprob(row.get("logprob"), f"{place}.logprob", forced=forced),
        forced=forced,
        distribution=_read_list(row.get("top_tokens"), f"{place}.top_tokens"),
    )


def _read_list(value: object, place: str) -> Distribution | None:
    """The plain entries have the words of `read_distribution`, so it names their places itself."""
    return None if value is None else read_distribution(expect_list(value, place), place)


def _read_flag(value: object, place: str) -> bool:
    if value is not None and not isinstance(value, bool):
        raise InvalidInputError(f"{place}: must be true or false")
    return value is True
