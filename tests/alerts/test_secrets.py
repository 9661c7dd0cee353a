"""The signing secrets and prompts of alerts."""

import psycopg
import pytest
from pydantic import SecretStr
from standardwebhooks import WebhookVerificationError

from core.access.access import Access
from core.alerts import deliver
from core.local.admin import run_as_admin
from core.logging import configure_logging
from core.settings import Settings
from tests.support.alerts import create, wait_for_status
from tests.support.client import Client, send
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.posts import post, post_probs
from tests.support.receiver import Receiver
from tests.support.servers import Serve


def test_a_changed_body_or_another_secret_does_not_verify_and_no_secret_is_stored(
    alerting: Client, receiver: Receiver, sql: psycopg.Connection
) -> None:
    alert, other = create(alerting, receiver.url()), create(alerting, receiver.url("/other"))
    assert alert["secret"].removeprefix("whsec_") not in str(sql.execute("select alerts::text from alerts").fetchall())
    assert "secret" not in alerting.get(f"/v1/alerts/{alert['id']}").json
    post_probs(alerting, "r", [0.25])
    (received,) = receiver.wait()
    with pytest.raises(WebhookVerificationError):
        received.verify(other["secret"])
    received.body = received.body.replace(b"low", b"law")
    with pytest.raises(WebhookVerificationError):
        received.verify(alert["secret"])


def test_a_prompt_is_sent_only_on_request(alerting: Client, receiver: Receiver) -> None:
    create(alerting, receiver.url("/without"))
    alert = create(alerting, receiver.url("/with"), include_prompt=True)
    post_probs(alerting, "r", [0.25], user_prompt="what is it?")
    (without,), (received,) = receiver.wait(1, "/without"), receiver.wait(1, "/with")
    assert b"prompt" not in without.body
    assert received.verify(alert["secret"])["data"]["prompt"] == "what is it?"


def test_a_replayed_webhook_has_the_id_of_the_first(
    alerting: Client, receiver: Receiver, sql: psycopg.Connection
) -> None:
    """As after a process that was killed between the delivery and its record."""
    create(alerting, receiver.url())
    post_probs(alerting, "r", [0.25])
    wait_for_status(alerting, "delivered")
    sql.execute("update alert_events set status = 'waiting', finished_at = null, next_attempt_at = now()")
    post_probs(alerting, "another", [0.25])
    receiver.wait(3)
    ids = receiver.list_ids()
    assert (len(ids), len(set(ids))) == (3, 2)


def test_after_a_rotation_both_secrets_verify_for_a_day(
    alerting: Client, receiver: Receiver, sql: psycopg.Connection
) -> None:
    alert = create(alerting, receiver.url())
    rotated = send(alerting, "POST", f"/v1/alerts/{alert['id']}/rotate", ADMIN_KEY).json
    assert rotated["secret"] != alert["secret"]
    post_probs(alerting, "r1", [0.25])
    (received,) = receiver.wait()
    assert received.verify(alert["secret"]) == received.verify(rotated["secret"])
    sql.execute("update alerts set previous_until = now()")
    post_probs(alerting, "r2", [0.25])
    received = receiver.wait(2)[1]
    received.verify(rotated["secret"])
    with pytest.raises(WebhookVerificationError):
        received.verify(alert["secret"])


def test_a_prompt_of_another_owner_is_not_sent(alerting: Client, sql: psycopg.Connection) -> None:
    """As if an admin assigned the request to another user after the event was claimed."""
    create(alerting, "http://127.0.0.1:1/", include_prompt=True)
    post_probs(alerting, "r", [0.25], user_prompt="what is it?")
    (event_id,) = sql.execute("select id from alert_events").fetchall()[0]

    async def find_document(access: Access) -> object:
        return await deliver._find_document(access, event_id)

    settings = Settings.model_validate({"database_url": SecretStr(sql.info.dsn)})
    assert run_as_admin(settings, lambda access, _: find_document(access)) is not None
    post(alerting, "r", user="key-of-another-user", user_prompt="a secret")
    assert run_as_admin(settings, lambda access, _: find_document(access)) is None


def test_logs_at_debug_have_no_headers_of_receivers(
    serve: Serve, database_url: str, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET, "WEBHOOK_ALLOW": "127.0.0.1"}
    client = serve(DATABASE_URL=database_url, LOG_LEVEL="debug", INGEST_AUTH="open", **settings)
    alert = create(client, receiver.url("/ok?token=of-the-receiver"))
    send(client, "POST", f"/v1/alerts/{alert['id']}/test", ADMIN_KEY)
    assert receiver.received
    logged = " ".join(record.getMessage() for record in caplog.records)
    assert "of-the-receiver" not in logged
    assert "a=b" not in logged
    configure_logging("info")
