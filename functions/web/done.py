"""The answer of routes that return no object."""

from pydantic import BaseModel


class Done(BaseModel):
    """A confirmation: the id of the changed or deleted object, and a message."""

    id: int
    message: str
