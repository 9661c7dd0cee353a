"""A model server, and the clients of a test."""

from collections.abc import Iterator

import pytest

from tests.support.model_server import (
    ModelServer,
    run_model_server,
)
from tests.support.recorders import OPENED


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with run_model_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()
