"""The additional fields of errors under /playground/activations: `status: "error"` and `error_code`."""

from contextvars import ContextVar

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/playground/activations"
_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RATE_LIMITED",
    502: "HF_BAD_RESPONSE",
    503: "UNAVAILABLE",
    504: "HF_TIMEOUT",
}
"""The code of a status, unless the error has one of its own."""

_applies: ContextVar[bool] = ContextVar("has_activation_errors", default=False)


class ActivationErrors:
    """ASGI middleware that marks the requests whose errors have the additional fields."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        path = scope.get("path", "")
        token = _applies.set(path == PREFIX or path.startswith(f"{PREFIX}/"))
        try:
            await self.app(scope, receive, send)
        finally:
            _applies.reset(token)


def has_more_fields() -> bool:
    """Return whether errors of the present request have the additional fields."""
    return _applies.get()


def list_more_fields(status: int, error_code: str | None) -> dict[str, str]:
    """Return the additional fields of an error of the present request, if it has them."""
    if not has_more_fields():
        return {}
    code = error_code or _CODES.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")
    return {"status": "error", "error_code": code}
