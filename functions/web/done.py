"""The answer of routes that return no object."""

from pydantic import BaseModel


class Done(BaseModel):
    """What was done with the object of an id."""

    id: int
    message: str
