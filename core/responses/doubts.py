"""Correct implausible log-probabilities in a response where possible, and report each problem as a warning."""

import msgspec

from core.confidence import Token, reconcile_list

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def forget_placeholders(tokens: list[Token]) -> tuple[list[Token], list[str]]:
    """Treat log-probabilities of 0.0 that are only placeholders as unknown.

    A 0.0 is a placeholder if the token has no list but other tokens do (llama.cpp with a draft model), or if all
    log-probabilities are 0.0.
    """
    reported = [token for token in tokens if token.logprob is not None]
    if not any(token.logprob == 0.0 and not token.forced for token in reported):
        return tokens, []
    has_lists = any(token.distribution for token in tokens)
    if all(token.logprob == 0.0 for token in reported) and not any(map(_has_choice, tokens)):
        sentence = "every logprob is 0.0, so the server computed none; all of them are treated as unknown"
        return [msgspec.structs.replace(token, logprob=None, distribution=None) for token in tokens], [sentence]
    hollow = [has_lists and token.logprob == 0.0 and not (token.distribution or token.forced) for token in tokens]
    if not any(hollow):
        return tokens, []
    sentence = (
        f"{sum(hollow)} of {len(tokens)} tokens have a logprob of 0.0 and no list, unlike the others; "
        "their logprobs are treated as unknown"
    )
    kept = [msgspec.structs.replace(t, logprob=None) if empty else t for t, empty in zip(tokens, hollow, strict=True)]
    return kept, [sentence]


def _has_choice(token: Token) -> bool:
    """Whether the token's list shows that another token was possible."""
    return token.distribution is not None and any(-float("inf") < one < 0.0 for one in token.distribution.logprobs)


def reconcile_lists(tokens: list[Token]) -> tuple[list[Token], list[str]]:
    """Put each token's own log-probability into its list, and warn if the list had a different one."""
    settled = [
        token
        if token.distribution is None
        else msgspec.structs.replace(token, distribution=reconcile_list(token, token.logprob)[0])
        for token in tokens
    ]
    changed = sum(new.distribution is not old.distribution for new, old in zip(settled, tokens, strict=True))
    dropped = sum(
        new.distribution is None and old.distribution is not None for new, old in zip(settled, tokens, strict=True)
    )
    if not changed:
        return tokens, []
    lost = f"; {dropped} lists are ignored because they contradict it" if dropped else ""
    return settled, [
        f"{changed} of {len(tokens)} tokens have a different logprob in their list; the token's own is used{lost}"
    ]


def note_fragments(tokens: list[Token]) -> list[str]:
    """Warn about lists whose tokens have no distinct text, such as parts of characters."""
    lists = [token.distribution for token in tokens if token.distribution]
    named = [[text for text in one.texts if text is not None] for one in lists if None in one.tokens]
    blurred = sum("" in texts or _REPLACEMENT in "".join(texts) for texts in named)
    if not blurred:
        return []
    what = f"{blurred} of {len(lists)} lists have tokens without a distinct text, such as parts of characters"
    return [f"{what}; a server that keys its lists by text reports only one of these"]
