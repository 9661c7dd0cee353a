"""The statements of alerts and their events, and the types of their rows."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from core.alerts.rules import AlertFilters, Kind
from core.database.query import Row, query
from core.wire.models import Frozen
from core.wire.timestamp import UtcMoment


class Alert(Row):
    """An alert as its owner sees it. Its filters are not checked, because earlier versions accepted more."""

    id: int
    name: str
    kind: Kind
    score: str | None
    threshold: float | None
    share: float | None
    window_s: int | None
    filters: Annotated[AlertFilters, BeforeValidator(lambda stored: AlertFilters.model_construct(**dict(stored)))]
    url: str
    include_prompt: bool
    active: bool
    created_at: UtcMoment
    updated_at: UtcMoment


class Window(Frozen, populate_by_name=True):
    """The evaluated period: `from` is inclusive, `to` is exclusive."""

    start: UtcMoment = Field(alias="from")
    end: UtcMoment = Field(alias="to")


class AlertEvent(Row):
    """An event of an alert, and the state of its webhook.

    Attributes:
        id: the webhook-id header.
        next_attempt_at: None if no attempt follows.
        error: why the last attempt failed.
        row_id: the id in the database, which orders events.
    """

    id: str
    alert_id: int
    alert_name: str
    kind: str
    request_id: str | None
    window: Window | None
    value: float | None
    threshold: float | None
    created_at: UtcMoment
    status: Literal["waiting", "delivered", "failed"]
    attempts: int
    next_attempt_at: UtcMoment | None
    finished_at: UtcMoment | None
    error: str | None
    row_id: Annotated[int, Field(exclude=True)]


class ClaimedEvent(Row):
    """An event to deliver now, with the facts of its alert and its request.

    Attributes:
        attempts: the number of this attempt, from 1.
        owner: the owner of the alert; None for the admins.
        previous_nonce: the nonce of the secret before a rotation, while it is in use.
    """

    id: int
    attempts: int
    webhook_id: str
    kind: str
    created_at: UtcMoment
    window_from: UtcMoment | None
    window_to: UtcMoment | None
    value: float | None
    threshold: float | None
    request_id: str | None
    model: str | None
    alert_id: int
    owner: bytes | None
    alert_name: str
    alert_kind: str
    score: str
    url: str
    include_prompt: bool
    secret_nonce: bytes
    previous_nonce: bytes | None


class DueAlert(Row):
    """An alert to evaluate now, locked until the transaction ends."""

    id: int
    kind: str
    score: str
    fires_above: bool
    threshold: float | None
    share: float | None
    window_s: int | None
    filters: dict[str, Any]
    owner: bytes | None
    is_silent: bool
    updated_at: UtcMoment
    claimed_at: UtcMoment


class Rate(Row):
    """The number of requests with a score, and the number of requests with a score beyond a threshold."""

    n: int
    beyond: int


class PromptRow(Row):
    """A document that contains a prompt, as one zstd frame."""

    format: int
    document: bytes


LOCK_OWNER = query("alerts/lock_owner")
INSERT_ALERT = query("alerts/insert_alert", int)
LIST_ALERTS = query("alerts/list_alerts", Alert)
LOCK_ALERT = query("alerts/lock_alert", int)
UPDATE_ALERT = query("alerts/update_alert")
ROTATE_SECRET = query("alerts/rotate_secret")
DELETE_ALERT = query("alerts/delete_alert")
INSERT_TEST = query("alerts/insert_test", int)
LIST_EVENTS = query("alerts/list_events", AlertEvent)
CLAIM_EVENTS = query("alerts/claim_events", int)
GET_CLAIMED = query("alerts/get_claimed", ClaimedEvent)
RECORD_ATTEMPT = query("alerts/record_attempt")
PAUSE_ALERT = query("alerts/pause_alert")
FAIL_WAITING = query("alerts/fail_waiting")
GET_PROMPT = query("alerts/get_prompt", PromptRow, is_binary=True)
CLAIM_ALERT = query("alerts/claim_alert", DueAlert)
MEASURE_RATE = query("alerts/measure_rate", Rate)
FIND_RECEIVED = query("alerts/find_received", int)
SET_SILENT = query("alerts/set_silent")
INSERT_EVENT = query("alerts/insert_event")
DELETE_OLD_EVENTS = query("alerts/delete_old_events")
