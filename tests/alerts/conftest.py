"""Fixtures of the tests of alerts: a receiver, and a server that may reach it on loopback."""

from collections.abc import Iterator

import pytest

from core.alerts.store import ClaimedEvent
from tests.support.client import Client
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.receiver import Receiver, receiving
from tests.support.servers import Serve, ServerThread

LOOPBACK = "127.0.0.0/8"


async def _claim_nothing(_limit: int) -> list[ClaimedEvent]:
    return []


@pytest.fixture(autouse=True)
def _events_are_for_the_server_of_the_test(
    request: pytest.FixtureRequest, shared_server: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Timers of earlier tests make the shared server look for events in the database that tests share."""
    if "client" not in request.fixturenames:
        monkeypatch.setattr(shared_server.app.state.context.alerts, "_claim", _claim_nothing)


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
