"""/v1/alerts: rules that send a webhook, their events, and tests."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from core.alerts.alert import (
    CreatedAlert,
    RotatedSecret,
    change_alert,
    create_alert,
    delete_alert,
    list_alerts,
    no_alert_error,
    read_alert,
    rotate_secret,
)
from core.alerts.events import insert_test, list_events, read_event
from core.alerts.rules import AlertChange, NewAlert
from core.alerts.store import Alert, AlertEvent
from core.wire.page import DEFAULT_LIMIT, Limit
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.done import Done
from functions.web.query import RowId, TextParam
from functions.web.scaling import Scaling
from functions.web.small_body import SmallBodyRoute

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=256)

LIMIT: dict[int | str, dict[str, Any]] = {409: {"description": "the owner has the maximum number of alerts"}}

router = APIRouter(tags=["alerts"], route_class=SmallBodyRoute, prefix="/v1/alerts")


class Alerts(BaseModel):
    """A page of the caller's alerts, newest first."""

    alerts: list[Alert]
    limit: int
    next_cursor: str | None


class AlertFeed(BaseModel):
    """A page of the events of the caller's alerts, newest first."""

    events: list[AlertEvent]
    limit: int
    next_cursor: str | None


@router.get("")
async def get_alerts(
    context: ContextDep, key: KeyDep, *, limit: Limit = DEFAULT_LIMIT, cursor: TextParam = None
) -> Alerts:
    """List the caller's alerts, newest first. Admins see all alerts."""
    alerts, next_cursor = await list_alerts(context.access, key, cursor=cursor, limit=limit)
    return Alerts(alerts=alerts, limit=limit, next_cursor=next_cursor)


@router.post("", status_code=201, responses=LIMIT)
async def post_alert(context: ContextDep, key: KeyDep, new: NewAlert) -> CreatedAlert:
    """Create an alert. The answer contains its signing secret, which is not shown again."""
    return await create_alert(context.access, key, new=new, allowed=context.settings.webhook_networks)


@router.get("/feed")
async def get_feed(
    context: ContextDep,
    key: KeyDep,
    *,
    alert_id: RowId | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: TextParam = None,
) -> AlertFeed:
    """List the events of the caller's alerts with the state of their webhooks, newest first."""
    events, next_cursor = await list_events(context.access, key, alert_id=alert_id, cursor=cursor, limit=limit)
    return AlertFeed(events=events, limit=limit, next_cursor=next_cursor)


@router.get("/{alert_id}")
async def get_alert(context: ContextDep, key: KeyDep, alert_id: RowId) -> Alert:
    """Return an alert."""
    return await read_alert(context.access, key, number=alert_id)


@router.patch("/{alert_id}")
async def patch_alert(context: ContextDep, key: KeyDep, alert_id: RowId, change: AlertChange) -> Alert:
    """Change an alert, or pause it (`active: false`)."""
    allowed = context.settings.webhook_networks
    return await change_alert(context.access, key, number=alert_id, change=change, allowed=allowed)


@router.delete("/{alert_id}")
async def remove_alert(context: ContextDep, key: KeyDep, alert_id: RowId) -> Done:
    """Delete an alert and its events."""
    await delete_alert(context.access, key, number=alert_id)
    return Done(id=alert_id, message="alert deleted")


@router.post("/{alert_id}/test")
async def test_alert(context: ContextDep, key: KeyDep, alert_id: RowId) -> AlertEvent:
    """Send a test webhook now, once, and return whether the receiver accepted it."""
    event = await insert_test(context.access, key, number=alert_id)
    await context.alerts.deliver(event)
    tested = await read_event(context.access, event)
    if tested is None:
        raise no_alert_error(alert_id)
    return tested


@router.post("/{alert_id}/rotate")
async def rotate_alert(context: ContextDep, key: KeyDep, alert_id: RowId) -> RotatedSecret:
    """Replace the signing secret. For a day, webhooks are signed with the previous secret as well."""
    return await rotate_secret(context.access, key, number=alert_id)
