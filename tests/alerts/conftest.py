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
def alerting(serve: Serve, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A server whose webhooks may reach loopback. It never looks for events on its own, so each must be announced."""
    monkeypatch.setattr("core.alerts.worker.INTERVAL_S", 3600)
    return serve(
        DATABASE_URL=database_url,
        THUNDER_ADMIN_KEY=ADMIN_KEY,
        THUNDER_SECRET=SECRET,
        INGEST_AUTH="open",
        WEBHOOK_ALLOW=LOOPBACK,
        THUNDER_URL="https://thunder.example.com/",
    )
