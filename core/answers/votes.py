"""Choose one of several answers to a prompt by voting."""

import math
import re
import signal
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, NoReturn

from core.answers.ending import find_end
from core.errors import InvalidInputError
from core.wire.models import Frozen

MAX_PATTERN_CHARS = 500
MAX_PATTERN_S = 2.0
"""CPU time that a pattern may take for all answers of a group."""


class Ballot(NamedTuple):
    """An answer and the scores that its votes depend on.

    Attributes:
        text: the answer; None if the request has none.
        sequence_confidence: 0…1; None if unknown.
        lowest_group_confidence: nats; None if unknown.
    """

    request_id: str
    text: str | None
    sequence_confidence: float | None
    lowest_group_confidence: float | None


class Vote(Frozen):
    """The winner of a vote.

    Attributes:
        answer: None if nothing could be counted.
        share: the winner's share of all weights, 0…1.
        request_ids: the requests that gave this answer and were counted.
    """

    answer: str | None
    share: float | None
    request_ids: list[str]


class Votes(Frozen):
    """Three votes among the same answers.

    Attributes:
        majority: each answer counts once.
        weighted: each answer counts with its sequence confidence. Source: DeepConf.
        filtered: each answer of the better half by lowest group confidence counts once. Source: DeepConf.
    """

    majority: Vote
    weighted: Vote
    filtered: Vote


class GroupVotes(Frozen):
    """The votes among the requests of a group, and their number."""

    n: int
    votes: Votes


def count_votes(ballots: Sequence[Ballot]) -> GroupVotes:
    """Vote over the trimmed answers. An empty answer doesn't vote."""
    return _count(ballots, [_trim(ballot.text or "") for ballot in ballots])


def count_pattern_votes(pattern: bytes, ballots: Sequence[Ballot]) -> GroupVotes:
    """Vote over the part of each answer that a pattern finds: its first group, or the whole match if it has none.

    An answer that doesn't match, or whose part is empty, doesn't vote. Call it in the main thread of a separate
    process, because a pattern can take much time and memory.

    Args:
        pattern: UTF-8; a regular expression of Python's re.
        ballots: the answers.

    Raises:
        InvalidInputError: the pattern is not valid, or takes too long.
    """
    try:
        with warnings.catch_warnings(action="ignore"), _limit_time():
            compiled = re.compile(pattern.decode())
            matches = [compiled.search(_trim(ballot.text or "")) for ballot in ballots]
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidInputError(f"pattern: not a regular expression: {error}") from None
    except TimeoutError:
        sentence = f"pattern: takes more than {MAX_PATTERN_S:g} s of CPU time on these answers; use a simpler one"
        raise InvalidInputError(sentence) from None
    return _count(ballots, [found[min(1, compiled.groups)] if found else None for found in matches])


@contextmanager
def _limit_time() -> Iterator[None]:
    """Interrupt the block after MAX_PATTERN_S. The re module checks for signals while it searches."""
    before = signal.signal(signal.SIGPROF, _interrupt)
    signal.setitimer(signal.ITIMER_PROF, MAX_PATTERN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def _interrupt(*_: object) -> NoReturn:
    raise TimeoutError


def _trim(text: str) -> str:
    return text[: find_end(text)].lstrip()


class _Cast(NamedTuple):
    """An answer that votes."""

    answer: str
    ballot: Ballot

    @property
    def confidence(self) -> float:
        """The sequence confidence. If it is unknown, the answer loses every tie."""
        return -1.0 if self.ballot.sequence_confidence is None else self.ballot.sequence_confidence

    @property
    def order(self) -> tuple[int, str]:
        """A key that sorts g~2 before g~10."""
        return len(self.ballot.request_id), self.ballot.request_id


def _count(ballots: Sequence[Ballot], answers: Sequence[str | None]) -> GroupVotes:
    cast = [_Cast(answer, ballot) for answer, ballot in zip(answers, ballots, strict=True) if answer]
    cast.sort(key=lambda one: one.order)
    scored = [one for one in cast if one.ballot.sequence_confidence is not None]
    votes = Votes(
        majority=_choose([(one, 1.0) for one in cast]),
        weighted=_choose([(one, one.confidence) for one in scored]),
        filtered=_choose([(one, 1.0) for one in _keep_better_half(cast)]),
    )
    return GroupVotes(n=len(ballots), votes=votes)


def _keep_better_half(cast: Sequence[_Cast]) -> list[_Cast]:
    """Return the half with the higher lowest group confidence, rounded up. Answers without one are left out."""
    ranked = [(one.ballot.lowest_group_confidence, one) for one in cast]
    known = [(lowest, one) for lowest, one in ranked if lowest is not None]
    known.sort(key=lambda pair: (-pair[0], -pair[1].confidence, pair[1].order))
    return sorted((one for _, one in known[: (len(known) + 1) // 2]), key=lambda one: one.order)


def _choose(weighted: Sequence[tuple[_Cast, float]]) -> Vote:
    """Return the answer with the largest weight; of several, the one with the higher mean confidence, then by text."""
    shares = share_votes([(one.answer, weight) for one, weight in weighted])
    if not shares:
        return Vote(answer=None, share=None, request_ids=[])
    voters: defaultdict[str, list[_Cast]] = defaultdict(list)
    for one, _ in weighted:
        voters[one.answer].append(one)
    winner = min(shares, key=lambda answer: (-shares[answer], -_average(voters[answer]), answer))
    return Vote(answer=winner, share=shares[winner], request_ids=[one.ballot.request_id for one in voters[winner]])


def share_votes(weighted: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return the share of each answer. Empty if all weights are 0."""
    weights: defaultdict[str, list[float]] = defaultdict(list)
    for answer, weight in weighted:
        weights[answer].append(weight)
    total = math.fsum(weight for _, weight in weighted)
    return {answer: math.fsum(parts) / total for answer, parts in weights.items()} if total else {}


def _average(voters: Sequence[_Cast]) -> float:
    return math.fsum(one.confidence for one in voters) / len(voters)
