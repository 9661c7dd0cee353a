"""Votes among several answers to one prompt."""

import math
import time
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers.votes import Ballot, Vote, count_pattern_votes, count_votes, share_votes
from core.errors import InvalidInputError
from tests.confidence.builders import moderate
from tests.support.labelled import Labelled, load_labelled


def make_ballots(*rows: tuple[str | None, float | None, float | None]) -> list[Ballot]:
    return [Ballot(f"g~{i}", *row) for i, row in enumerate(rows)]


def test_each_vote_can_have_another_winner() -> None:
    ballots = make_ballots(("a", 0.2, 1.0), ("a", 0.2, 1.1), ("a", 0.2, 1.2), ("b", 0.7, 1.3), ("c", 0.1, 9.0))
    ballots += [Ballot("g~5", "c", 0.1, 8.0)]
    result = count_votes(ballots)
    assert result.n == 6
    assert result.votes.majority == Vote(answer="a", share=0.5, request_ids=["g~0", "g~1", "g~2"])
    weighted, filtered = result.votes.weighted, result.votes.filtered
    assert (weighted.answer, weighted.share, weighted.request_ids) == ("b", pytest.approx(0.7 / 1.5), ["g~3"])
    assert (filtered.answer, filtered.share, filtered.request_ids) == ("c", pytest.approx(2 / 3), ["g~4", "g~5"])


def test_the_better_half_is_rounded_up() -> None:
    votes = count_votes(make_ballots(("a", 0.1, 1.0), ("b", 0.9, 2.0), ("c", 0.2, 3.0))).votes
    assert votes.filtered == Vote(answer="b", share=0.5, request_ids=["g~1"])


def test_ties_go_to_the_higher_confidence() -> None:
    votes = count_votes(make_ballots(("a", 0.3, 1.0), ("b", 0.8, 1.0), ("a", 0.4, 1.0), ("b", 0.1, 1.0))).votes
    assert votes.majority.answer == "b"
    unknown = count_votes(make_ballots(("a", None, None), ("b", 0.0, None))).votes
    assert unknown.majority.answer == "b"


def test_requests_without_scores_vote_only_where_no_score_counts() -> None:
    votes = count_votes(make_ballots(("a", None, None), ("a", None, None), ("b", 0.4, 2.0))).votes
    assert (votes.majority.answer, votes.weighted.answer, votes.filtered.answer) == ("a", "b", "b")
    nothing = Vote(answer=None, share=None, request_ids=[])
    votes = count_votes(make_ballots(("a", None, None))).votes
    assert (votes.weighted, votes.filtered) == (nothing, nothing)
    assert count_votes(make_ballots((None, 0.5, 1.0), (" ", 0.5, 1.0))).votes.majority == nothing


def test_answers_are_compared_without_white_space_and_end_tokens() -> None:
    ballots = make_ballots((" Paris\n", 0.5, 1.0), ("Paris<|im_end|>", 0.5, 1.0), ("Paris </s>", 0.5, 1.0))
    assert count_votes(ballots).votes.majority.share == 1.0


def test_a_pattern_selects_the_compared_part() -> None:
    ballots = make_ballots(("It is 4.", 0.5, 1.0), ("4<|im_end|>", 0.5, 1.0), ("four", 0.9, 1.0))
    assert count_pattern_votes(b"[0-9]+", ballots).votes.majority.request_ids == ["g~0", "g~1"]
    assert count_pattern_votes(b"is ([0-9])|^(.)$", ballots).votes.majority.answer == "4"
    result = count_pattern_votes(b"nothing", ballots)
    assert (result.n, result.votes.majority.answer) == (3, None)


@pytest.mark.parametrize("pattern", ["(", "[", "(?P<a", "a{9999999999999999999999}", "(" * 500, "\\8"])
def test_an_invalid_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^pattern: not a regular expression: "):
        count_pattern_votes(pattern.encode(), make_ballots(("a", 0.5, 1.0)))


def test_a_pattern_with_an_outdated_set_is_only_a_pattern() -> None:
    assert count_pattern_votes(b"[[a]", make_ballots(("a", 0.5, 1.0))).votes.majority.answer == "a"


def test_a_slow_pattern_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.answers.votes.MAX_PATTERN_S", 0.2)
    began = time.process_time()
    with pytest.raises(InvalidInputError, match=r"^pattern: takes more than 0\.2 s"):
        count_pattern_votes(b"^(a|a)*c", make_ballots(("a" * 100 + "b", 0.5, 1.0)))
    assert time.process_time() - began < 5


def test_votes_of_the_labelled_groups_are_right_as_often_as_documented() -> None:
    groups: defaultdict[str, list[Labelled]] = defaultdict(list)
    for one in load_labelled():
        if one.group_id is not None:
            groups[one.group_id].append(one)
    right = Counter[str]()
    for group in groups.values():
        scores = [one.scores for one in group]
        ballots = make_ballots(
            *(
                (one.text, s.sequence_confidence, s.lowest_group_confidence)
                for one, s in zip(group, scores, strict=True)
            )
        )
        correct = {ballot.request_id: one.correct for ballot, one in zip(ballots, group, strict=True)}
        votes = count_votes(ballots).votes
        for name in ("majority", "weighted", "filtered"):
            right[name] += correct[getattr(votes, name).request_ids[0]]
        right["one sample"] += sum(correct.values())
        right["any"] += any(correct.values())
    assert len(groups) == 75
    assert right == {"majority": 36, "weighted": 36, "filtered": 34, "one sample": 148, "any": 46}


some_ballots = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", " b ", "c", "", None]),
        st.one_of(st.none(), st.floats(0, 1)),
        st.one_of(st.none(), st.sampled_from([1.0, 2.0, 3.0])),
    ),
    max_size=12,
)


@moderate
@given(some_ballots, st.data())
def test_the_order_of_requests_changes_nothing(
    rows: list[tuple[str | None, float | None, float | None]], data: st.DataObject
) -> None:
    ballots = make_ballots(*rows)
    assert count_votes(data.draw(st.permutations(ballots))) == count_votes(ballots)


@moderate
@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1e3)), max_size=12))
def test_shares_sum_to_one(weighted: list[tuple[str, float]]) -> None:
    shares = share_votes(weighted)
    assert math.fsum(shares.values()) == pytest.approx(1 if any(weight for _, weight in weighted) else 0)
    assert all(0 <= share <= 1 for share in shares.values())
