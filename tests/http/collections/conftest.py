"""Three requests, before each test of collections."""

import pytest

from tests.support.client import Client
from tests.support.collected import BOB, post


@pytest.fixture(autouse=True)
def _requests(client: Client) -> None:
    post(client, "a1", model="m", final_text="text of a1")
    post(client, "a2")
    post(client, "b1", user=BOB)
