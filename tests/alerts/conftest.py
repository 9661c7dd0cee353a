"""Fixtures of the tests of alerts: a receiver, and a server that may reach it on loopback."""

from collections.abc import Iterator

import pytest

from tests.support.client import Client
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.receiver import Receiver, receiving
from tests.support.servers import Serve

LOOPBACK = "127.0.0.0/8"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def alerting(serve: Serve, database_url: str) -> Client:
    """A server whose webhooks may reach loopback."""
    return serve(
        DATABASE_URL=database_url,
        THUNDER_ADMIN_KEY=ADMIN_KEY,
        THUNDER_SECRET=SECRET,
        INGEST_AUTH="open",
        WEBHOOK_ALLOW=LOOPBACK,
        THUNDER_URL="https://thunder.example.com/",
    )
