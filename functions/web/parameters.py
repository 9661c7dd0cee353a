"""Refuse unknown and repeated query parameters, so that no filter is silently ignored.

The known names are those in the route's signature, plus `openapi_extra` for handlers that read the query themselves.
"""

from collections import Counter
from copy import copy
from functools import cached_property
from urllib.parse import parse_qsl

from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.params import Cookie, Header, Path
from fastapi.requests import HTTPConnection
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from functions.web.negotiation import wants_page

Problem = dict[str, tuple[str, ...] | str]


def drop_empty(query: bytes) -> bytes:
    """Drop the parameters without a value, such as `tag=` and `tag`."""
    return b"&".join(one for one in query.split(b"&") if one.partition(b"=")[2])


def check_parameters(route: BaseRoute) -> BaseRoute:
    """Return a copy of a route that refuses unknown and repeated parameters before anything else."""
    checked = copy(route)
    if isinstance(route, (APIRoute, APIWebSocketRoute)) and isinstance(checked, (APIRoute, APIWebSocketRoute)):
        checked.app = _ParameterCheck(route)
    return checked


class _ParameterCheck:
    """The ASGI application of a route, with a check of the parameters."""

    def __init__(self, route: APIRoute | APIWebSocketRoute) -> None:
        self.app = route.app
        self.route = route

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the route's parameters."""
        return _list_names(self.route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request.

        Raises:
            RequestValidationError: for an HTTP request.
            WebSocketRequestValidationError: for a WebSocket handshake.
        """
        if scope["query_string"] and not _is_page(scope, self.route):
            problems = _find_problems(scope["query_string"], self.names)
            if problems and scope["type"] == "websocket":
                raise WebSocketRequestValidationError(problems)
            if problems:
                raise RequestValidationError(problems)
        await self.app(scope, receive, send)


def _find_problems(query: bytes, known: tuple[str, ...]) -> list[Problem]:
    given = Counter(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    takes = f"this route takes {', '.join(known)}" if known else "this route takes none"
    unknown: list[Problem] = [
        {"loc": (name,), "msg": f"unknown parameter; {takes}"} for name in given if name not in known
    ]
    repeated: list[Problem] = [
        {"loc": (name,), "msg": "given more than once; send it once"}
        for name, count in given.items()
        if name in known and count > 1
    ]
    return (unknown + repeated)[:1]


def _list_names(route: APIRoute | APIWebSocketRoute) -> tuple[str, ...]:
    # The fields of a model for the whole query are not instances of Query.
    others = (Path, Header, Cookie)
    declared = {one.alias for one in get_flat_params(route.dependant) if not isinstance(one.field_info, others)}
    extra = (route.openapi_extra or {}).get("parameters", []) if isinstance(route, APIRoute) else []
    return tuple(sorted(declared | {one["name"] for one in extra if one["in"] == "query"}))


def _is_page(scope: Scope, route: APIRoute | APIWebSocketRoute) -> bool:
    """Return whether the answer is a page or an image. Programs that forward links often append parameters to them."""
    content = route.responses.get(200, {}).get("content", {}) if isinstance(route, APIRoute) else {}
    return "image/png" in content or ("text/html" in content and wants_page(HTTPConnection(scope)))
