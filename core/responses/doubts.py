"""What a response says that cannot be meant so, or that hides something: corrected where possible, and always named."""

import msgspec

from core.confidence import Token, settle_list

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def forget_placeholders(tokens: list[Token]) -> tuple[list[Token], list[str]]:
    """Take a log-probability of 0.0 for unknown where it only fills a place.

    That is beside an empty list where other tokens have one (llama.cpp with a draft model), and where all are 0.0.
    """
    reported = [token for token in tokens if token.logprob is not None]
    if not any(token.logprob == 0.0 and not token.forced for token in reported):
        return tokens, []
    has_lists = any(token.distribution for token in tokens)
    if all(token.logprob == 0.0 for token in reported) and not any(map(_has_choice, tokens)):
        sentence = "every log-probability is 0.0: these servers compute none, so all of them count as unknown"
        return [msgspec.structs.replace(token, logprob=None, distribution=None) for token in tokens], [sentence]
    hollow = [has_lists and token.logprob == 0.0 and not (token.distribution or token.forced) for token in tokens]
    if not any(hollow):
        return tokens, []
    sentence = (
        f"{sum(hollow)} of {len(tokens)} tokens have 0.0 and no list where others have one: they count as unknown"
    )
    kept = [msgspec.structs.replace(t, logprob=None) if empty else t for t, empty in zip(tokens, hollow, strict=True)]
    return kept, [sentence]


def _has_choice(token: Token) -> bool:
    """Whether a list shows that the model could have chosen otherwise."""
    return token.distribution is not None and any(-float("inf") < one < 0.0 for one in token.distribution.logprobs)


def settle_lists(tokens: list[Token]) -> tuple[list[Token], list[str]]:
    """Put each token's own log-probability into its list, and say where the list had another."""
    settled = [
        token
        if token.distribution is None
        else msgspec.structs.replace(token, distribution=settle_list(token, token.logprob)[0])
        for token in tokens
    ]
    changed = sum(new.distribution is not old.distribution for new, old in zip(settled, tokens, strict=True))
    dropped = sum(
        new.distribution is None and old.distribution is not None for new, old in zip(settled, tokens, strict=True)
    )
    if not changed:
        return tokens, []
    lost = f"; {dropped} lists are left out, as nothing fits them" if dropped else ""
    return settled, [
        f"{changed} of {len(tokens)} tokens have another log-probability than in their list: theirs counts{lost}"
    ]


def note_fragments(tokens: list[Token]) -> list[str]:
    """Say that lists name different tokens alike: parts of characters, which have no text of their own."""
    lists = [token.distribution for token in tokens if token.distribution]
    named = [[text for text in one.texts if text is not None] for one in lists if None in one.tokens]
    blurred = sum("" in texts or _REPLACEMENT in "".join(texts) for texts in named)
    if not blurred:
        return []
    what = f"{blurred} of {len(lists)} lists hold tokens without a text of their own, such as parts of characters"
    return [f"{what}: a server that keys its lists by text shows only one of them"]
