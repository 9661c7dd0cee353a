"""Bases of the models of the API."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of immutable models."""

    model_config = ConfigDict(frozen=True)


class Body(Frozen):
    """Base of the bodies that clients send. Types are strict: `"5"` is not a number."""

    model_config = ConfigDict(strict=True)
