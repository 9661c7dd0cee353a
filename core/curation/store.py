"""The statements of curation, and the types of their rows."""

from core.database.query import Row, query


class CurationRow(Row):
    """The tags and favorites of a request, with its owner."""

    tags: list[str]
    favorited_by: list[str]
    user_key_hmac: bytes | None


class EditedRow(Row):
    """The tags and favorites of a request after an edit.

    Attributes:
        is_changed: whether the edit changed anything.
        was_there: whether the tag or name was present before.
    """

    tags: list[str]
    favorited_by: list[str]
    is_changed: bool
    was_there: bool


GET_CURATION = query("curation/get_curation", CurationRow)
EDIT_CURATION = query("curation/edit_curation", EditedRow)
