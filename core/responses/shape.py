"""A shape: the form in which one API writes its responses and streams."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.responses.expect import Body
from core.responses.reading import Reading
from core.responses.summary import Summary

Reader = Callable[[Body], Reading]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The keys and functions that recognize and read the responses of one API.

    Attributes:
        source: the name of the shape in the feed.
        key: the key that holds the log-probabilities.
        signs: the keys that show the shape, even without log-probabilities.
        read: reads the tokens of the first answer. It raises InvalidInputError if a field has the wrong type or there
            are no log-probabilities, and InvalidDistribution if a number or a list is not a probability distribution.
        summarize: reads the other facts. It never fails: a fact of the wrong type counts as absent.
        find_chunk: returns the path that shows that a body is one chunk of a stream; None if it is not.
        is_chunk: whether an object of a stream has this shape; None if the API does not stream.
        join: returns the response that the server would have sent without streaming.
    """

    source: str
    key: str
    signs: frozenset[str]
    read: Reader
    summarize: Callable[[Body], Summary]
    find_chunk: Callable[[Body], str | None] = lambda _: None
    is_chunk: Callable[[Body], bool] | None = None
    join: Callable[[Sequence[Body]], Body] | None = None
