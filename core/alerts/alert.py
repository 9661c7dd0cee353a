"""Create, list, change and delete alerts.

A user's alerts cover that user's requests. Alerts made by admins belong to all admins and cover every request.
"""

import re
import secrets
from base64 import b64encode
from collections.abc import Collection
from typing import Any
from urllib.parse import unquote

from psycopg.types.json import Jsonb
from pydantic import BaseModel, ValidationError

from core.access.access import Access
from core.access.caller import ForbiddenError, Scope
from core.access.hasher import LONG_KEY, WEBHOOKS
from core.access.session import Session
from core.alerts import store
from core.alerts.rules import AlertChange, AlertFilters, NewAlert, complete, list_inapplicable
from core.alerts.store import Alert
from core.alerts.target import check_target
from core.audit.store import Action
from core.database.pool import retry_read
from core.errors import InvalidInputError, NotFoundError, ThunderError
from core.settings import Networks
from core.wire.json_text import to_column_text
from core.wire.page import read_cursor
from core.wire.validation import describe_validation

MAX_ALERTS = 20
"""Alerts of one owner."""
NONCE_BYTES = 16
OVERLAP_S = 86_400
"""How long webhooks are signed with the previous secret as well, after a rotation."""
SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that Standard Webhooks defines
_LONG_PARTS = [re.compile(rf"[^/?&=]{{{LONG_KEY},}}"), re.compile(rf"[^/?&=;:@#]{{{LONG_KEY},}}")]
"""The parts of a URL that may be a key, which may contain some of the characters between parts."""


class TooManyAlertsError(ThunderError):
    """The owner has the maximum number of alerts."""

    status = 409


class CreatedAlert(Alert):
    """A new alert with its signing secret, which is shown once."""

    secret: str


class RotatedSecret(BaseModel):
    """The new secret of an alert, and until when webhooks are signed with the previous one as well."""

    id: int
    secret: str
    previous_valid_for_s: int = OVERLAP_S


async def create_alert(access: Access, key: str | None, *, new: NewAlert, allowed: Networks) -> CreatedAlert:
    """Create an alert.

    Raises:
        InvalidInputError: the URL or the settings are not valid.
        ForbiddenError: the key is neither bound to a user nor an admin's, or may not read the prompts it asks for.
        TooManyAlertsError: the owner has the maximum number of alerts.
    """
    columns = complete(new)
    check_target(new.url, allowed)
    async with access.session(key, Scope.CURATE) as session:
        caller = session.caller
        if caller.owner is None and not caller.is_admin:
            raise ForbiddenError("key: not bound to a user; use a user API key or a bound key")
        owner = None if caller.is_admin else caller.owner
        _check_given(session, columns, columns.keys())
        await session.require_present_secret()
        await store.LOCK_OWNER.execute(session.conn, owner=owner)
        nonce = secrets.token_bytes(NONCE_BYTES)
        number = await store.INSERT_ALERT.fetch_one(
            session.conn,
            owner=owner,
            secret_nonce=nonce,
            most=MAX_ALERTS,
            **await _to_columns(session, columns, new.list_filters()),
        )
        if number is None:
            raise TooManyAlertsError(f"alerts: you have {MAX_ALERTS}, the maximum; delete one first")
        await session.note(Action.CREATE_ALERT, f"alert:{number}", {"kind": new.kind.value})
        alert = await _get(session, number)
    return CreatedAlert(**dict(alert), secret=_derive(session, number, nonce))


@retry_read
async def list_alerts(
    access: Access, key: str | None, *, cursor: str | None, limit: int
) -> tuple[list[Alert], str | None]:
    """List a page of the caller's alerts, newest first, with the cursor of the next page. Admins see all alerts.

    Raises:
        InvalidInputError: the cursor is not valid.
    """
    before_id = read_cursor(cursor)
    async with access.session(key, Scope.READ) as session:
        alerts = await _fetch(session, before_id=before_id, limit=limit + 1)
    return alerts[:limit], str(alerts[limit - 1].id) if len(alerts) > limit else None


@retry_read
async def read_alert(access: Access, key: str | None, *, number: int) -> Alert:
    """Read an alert.

    Raises:
        NotFoundError: no such alert, or it belongs to another user.
    """
    async with access.session(key, Scope.READ) as session:
        return await _get(session, number)


async def _fetch(
    session: Session, *, number: int | None = None, before_id: int | None = None, limit: int
) -> list[Alert]:
    caller = session.caller
    alerts = await store.LIST_ALERTS.fetch_all(
        session.conn, owner=caller.owner_filter, own=caller.own_filter, id=number, before_id=before_id, limit=limit
    )
    return [_hide_missing(alert) for alert in alerts]


def _hide_missing(alert: Alert) -> Alert:
    """Return an alert without the settings that its kind does not have. Earlier versions stored some."""
    return alert.model_copy(update=dict.fromkeys({*list_inapplicable(alert.kind)} - {"include_prompt"}))


async def _get(session: Session, number: int) -> Alert:
    for alert in await _fetch(session, number=number, limit=1):
        return alert
    raise no_alert_error(number)


async def change_alert(
    access: Access, key: str | None, *, number: int, change: AlertChange, allowed: Networks
) -> Alert:
    """Change an alert. Pausing it makes its waiting webhooks fail.

    Raises:
        NotFoundError: no such alert, or it belongs to another user.
        InvalidInputError: the URL is not valid, or the settings don't fit the kind.
        ForbiddenError: the key may not read the prompts that would be sent.
    """
    if change.url is not None:
        check_target(change.url, allowed)
    async with access.session(key, Scope.CURATE) as session:
        await lock_own_alert(session, number)
        changed, filters = _merge(await _get(session, number), change)
        completed = complete(changed)
        _check_given(session, completed, change.model_fields_set - ({"url"} if change.url is None else set()))
        columns = await _to_columns(session, completed, filters)
        del columns["kind"]
        await store.UPDATE_ALERT.execute(session.conn, id=number, **columns)
        if not columns["active"]:
            await store.FAIL_WAITING.execute(session.conn, alert_id=number)
        details = {"changed": sorted(change.model_fields_set)}
        await session.note(Action.CHANGE_ALERT, f"alert:{number}", details)
        return await _get(session, number)


def _merge(alert: Alert, change: AlertChange) -> tuple[NewAlert, dict[str, Any]]:
    """Return the alert after a change, and its filters. Null keeps settings that can't be null.

    Filters that an earlier version accepted stay as they are until one of the filters is changed.
    """
    given = change.model_dump(exclude_unset=True)
    given = {name: value for name, value in given.items() if value is not None or name not in {"name", "url"}}
    now = alert.model_dump(exclude={"id", "created_at", "updated_at", "filters"})
    kept = alert.filters.list_filters()
    has_new_filters = not given.keys().isdisjoint(AlertFilters.model_fields)
    try:
        changed = NewAlert.model_validate({**now, **(kept if has_new_filters else {}), **given})
    except ValidationError as error:
        raise InvalidInputError(describe_validation(error)) from None
    return changed, changed.list_filters() if has_new_filters else kept


async def rotate_secret(access: Access, key: str | None, *, number: int) -> RotatedSecret:
    """Replace the secret of an alert.

    Raises:
        NotFoundError: no such alert, or it belongs to another user.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    async with access.session(key, Scope.CURATE) as session:
        await session.require_present_secret()
        await lock_own_alert(session, number)
        await store.ROTATE_SECRET.execute(session.conn, id=number, secret_nonce=nonce, overlap_s=OVERLAP_S)
        await session.note(Action.ROTATE_ALERT, f"alert:{number}")
    return RotatedSecret(id=number, secret=_derive(session, number, nonce))


async def delete_alert(access: Access, key: str | None, *, number: int) -> None:
    """Delete an alert, its events and its waiting webhooks.

    Raises:
        NotFoundError: no such alert, or it belongs to another user.
    """
    async with access.session(key, Scope.CURATE) as session:
        await lock_own_alert(session, number)
        await store.DELETE_ALERT.execute(session.conn, id=number)
        await session.note(Action.DELETE_ALERT, f"alert:{number}")


async def lock_own_alert(session: Session, number: int) -> None:
    """Lock one of the caller's alerts until the transaction ends.

    Raises:
        NotFoundError: no such alert, or it belongs to another user.
    """
    if await store.LOCK_ALERT.fetch_one(session.conn, id=number, owner=session.caller.owner_filter) is None:
        raise no_alert_error(number)


def no_alert_error(number: int) -> NotFoundError:
    """Return the error for an alert that does not exist, or that the caller may not see."""
    return NotFoundError(f"alert_id: there is no alert {number}; list yours with GET /v1/alerts")


def _check_given(session: Session, columns: dict[str, Any], given: Collection[str]) -> None:
    """Check the settings that the caller gives. Settings that an earlier version accepted stay as they are.

    Raises:
        ForbiddenError: the key may not read the prompts that would be sent.
        InvalidInputError: the URL contains the caller's key.
    """
    if columns["include_prompt"] and not {"include_prompt", "url", *AlertFilters.model_fields}.isdisjoint(given):
        session.caller.using(Scope.READ)
    if "url" not in given:
        return
    for url in (columns["url"], unquote(columns["url"])):
        parts = [part for pattern in _LONG_PARTS for part in pattern.findall(url)]
        if session.find_own_keys(url) or any(map(session.is_own_user_key, parts)):
            raise InvalidInputError("url: contains your API key; use a secret that only the receiver knows")


async def _to_columns(session: Session, columns: dict[str, Any], filters: dict[str, Any]) -> dict[str, Any]:
    """Prepare the columns for storage: names and labels replace keys in the name and the filters."""
    name = await session.resolve_text(to_column_text(columns["name"]))
    masked = {
        field: await session.resolve_text(value) if isinstance(value, str) else value
        for field, value in filters.items()
    }
    return {**columns, "name": name, "filters": Jsonb(masked)}


def _derive(session: Session, number: int, nonce: bytes) -> str:
    return SECRET_PREFIX + b64encode(session.hasher.derive(WEBHOOKS, number, nonce)).decode()
