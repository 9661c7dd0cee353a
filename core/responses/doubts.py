"""Correct implausible log-probabilities in a response where possible, and report each problem as a warning."""

import msgspec

from core.confidence import Token, lists_number, reconcile_list

MAX_ROUNDED_MASS = 0.01
"""Probability of the other tokens next to a 0.0 that was rounded to two digits."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def forget_placeholders(tokens: list[Token]) -> tuple[list[Token], list[str]]:
    """Treat log-probabilities of 0.0 that are only placeholders as unknown.

    A 0.0 is a placeholder if the token has no list but other tokens do (llama.cpp with a draft model), if its list
    gives other tokens a chance, or if all log-probabilities are 0.0.
    """
    reported = [token for token in tokens if token.logprob is not None]
    if not any(token.logprob == 0.0 and not token.forced for token in reported):
        return tokens, []
    has_lists = any(token.distribution for token in tokens)
    if all(token.logprob == 0.0 for token in reported) and not any(map(_has_choice, tokens)):
        sentence = "every logprob is 0.0, so the server computed none; all of them are treated as unknown"
        return [msgspec.structs.replace(token, logprob=None, distribution=None) for token in tokens], [sentence]
    zero = [token.logprob == 0.0 and not token.forced for token in tokens]
    hollow = [has_lists and is_zero and not token.distribution for token, is_zero in zip(tokens, zero, strict=True)]
    denied = [is_zero and _is_denied(token) for token, is_zero in zip(tokens, zero, strict=True)]
    doubted = ((hollow, "and no list, unlike the others"), (denied, "that their list contradicts"))
    sentences = [
        f"{sum(marks)} of {len(tokens)} tokens have a logprob of 0.0 {why}; their logprobs are treated as unknown"
        for marks, why in doubted
        if any(marks)
    ]
    forgotten = [one or two for one, two in zip(hollow, denied, strict=True)]
    kept = [msgspec.structs.replace(t, logprob=None) if gone else t for t, gone in zip(tokens, forgotten, strict=True)]
    return kept, sentences


def _has_choice(token: Token) -> bool:
    """Return whether the token's list shows that another token was possible."""
    return token.distribution is not None and any(-float("inf") < one < 0.0 for one in token.distribution.logprobs)


def _is_denied(token: Token) -> bool:
    """Return whether the list of a certain token gives the other tokens more than rounding explains."""
    listed = token.distribution
    if listed is None:
        return False
    found = set(listed.find_all(token.token, token.text))
    if not found and lists_number(listed, 0.0):
        return False
    return sum(prob for i, prob in enumerate(listed.probs) if i not in found) > MAX_ROUNDED_MASS


def reconcile_lists(tokens: list[Token]) -> tuple[list[Token], list[str]]:
    """Put each token's own log-probability into its list, and warn if the list had a different one."""
    settled = [
        token
        if token.distribution is None
        else msgspec.structs.replace(token, distribution=reconcile_list(token, token.logprob)[0])
        for token in tokens
    ]
    changed = [(old, new) for old, new in zip(tokens, settled, strict=True) if new.distribution is not old.distribution]
    if not changed:
        return tokens, []
    lacking = sum(
        old.distribution is not None and old.distribution.find(old.token, old.text) is None for old, _ in changed
    )
    dropped = sum(new.distribution is None for _, new in changed)
    lost = f"; {dropped} lists are ignored because they contradict it" if dropped else ""
    doubts = (
        (len(changed) - lacking, "have a different logprob in their list"),
        (lacking, "are missing from their list, although they are more likely than a token in it"),
    )
    named = " and ".join(f"{count} of {len(tokens)} tokens {doubt}" for count, doubt in doubts if count)
    return settled, [f"{named}; the token's own logprob is used{lost}"]


def note_fragments(tokens: list[Token]) -> list[str]:
    """Warn about lists whose tokens have no distinct text, such as parts of characters."""
    lists = [token.distribution for token in tokens if token.distribution]
    named = [[text for text in one.texts if text is not None] for one in lists if None in one.tokens]
    blurred = sum("" in texts or _REPLACEMENT in "".join(texts) for texts in named)
    if not blurred:
        return []
    what = f"{blurred} of {len(lists)} lists have tokens without a distinct text, such as parts of characters"
    return [f"{what}; a server that keys its lists by text reports only one of these"]


def note_unknown(tokens: list[Token]) -> list[str]:
    """Warn if no token has a number, so that there is nothing to score."""
    drawn = [token for token in tokens if not token.forced]
    if not drawn or any(token.logprob is not None or token.distribution is not None for token in drawn):
        return []
    return ["the tokens have no logprobs, so there is nothing to score"]
