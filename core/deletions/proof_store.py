"""The statements of a proof of deletion, and the types of their rows."""

from core.database.query import Row, query


class Chain(Row):
    """The state of the chain of receipts, after recomputing it.

    Attributes:
        receipts: the number of receipts found.
        recorded: the number of receipts ever written.
        broken_at: the first receipt that was changed, or whose predecessor is missing; None if there is no such break.
        ends_as_recorded: whether the last receipt is the last one ever written.
    """

    receipts: int
    recorded: int
    broken_at: int | None
    ends_as_recorded: bool

    @property
    def is_whole(self) -> bool:
        """Whether no receipt is missing or changed."""
        return self.broken_at is None and self.ends_as_recorded and self.receipts == self.recorded

    def describe(self) -> str:
        """Describe the state of the chain in a few words."""
        if self.is_whole:
            return "an unbroken chain"
        if self.broken_at is not None:
            return f"broken at receipt {self.broken_at}: it was changed, or an earlier one is missing"
        return "broken at its end: the last receipts are missing or changed"


class Finding(Row):
    """A table and column that still contain the text, and the number of such rows."""

    path: str
    hits: int


class StoredFrame(Row):
    """The compressed document of a request."""

    request_pk: int
    format: int
    document: bytes


class StoredAnswer(Row):
    """The compressed answer of an activation run."""

    run_id: int
    answer: bytes


CHECK_CHAIN = query("deletions/check_chain", Chain)
FIND_TEXTS = query("deletions/find_texts", Finding)
LIST_DOCUMENTS = query("deletions/list_documents", StoredFrame, is_binary=True)
LIST_ANSWERS = query("deletions/list_answers", StoredAnswer, is_binary=True)
