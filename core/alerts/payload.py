"""The body and headers of a webhook, as the Standard Webhooks specification 1.0 defines them (standardwebhooks.com)."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from core.alerts.rules import Kind
from core.alerts.store import ClaimedEvent
from core.wire.json_text import dump_json


def write_payload(event: ClaimedEvent, *, base_url: str, prompt: str | None) -> bytes:
    """Write the body of a webhook. It is the same for each attempt, unless the alert or the request changes.

    Args:
        event: the event.
        base_url: the address of this Thunder, without a slash at the end; empty for links that are paths.
        prompt: the user's prompt, if the alert includes prompts.
    """
    data: dict[str, object] = {
        "alert": {"id": event.alert_id, "name": event.alert_name},
        "kind": event.kind,
        "request_id": event.request_id,
        "model": event.model,
        "window": _write_window(event),
        "score": event.score if Kind(event.alert_kind).has_score else None,
        "value": event.value,
        "threshold": event.threshold,
        "link": base_url + _write_path(event),
    }
    if event.include_prompt:
        data["prompt"] = prompt
    return dump_json({"type": f"alert.{event.kind}", "timestamp": _write_time(event.created_at), "data": data})


def _write_window(event: ClaimedEvent) -> dict[str, object] | None:
    if event.window_from is None or event.window_to is None:
        return None
    return {"from": _write_time(event.window_from), "to": _write_time(event.window_to)}


def _write_time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _write_path(event: ClaimedEvent) -> str:
    """Return the page of the viewer that shows the request, or the days of the window."""
    if event.request_id is not None:
        return f"/view/{quote(event.request_id, safe='')}"
    if event.window_from is None or event.window_to is None:
        return "/overview"
    last = event.window_to - timedelta(microseconds=1)
    return f"/overview?from={event.window_from:%Y-%m-%d}&to={last:%Y-%m-%d}"


def write_headers(webhook_id: str, body: bytes, *, secrets: Sequence[bytes], seconds: int) -> dict[str, str]:
    """Write the headers of one attempt.

    Args:
        webhook_id: the id of the event.
        body: the body.
        secrets: the signing secrets; more than one after a rotation.
        seconds: the time of the attempt, since the epoch.
    """
    signed = f"{webhook_id}.{seconds}.".encode() + body
    signatures = (b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in secrets)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
