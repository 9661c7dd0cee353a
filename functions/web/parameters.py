"""Refuse unknown and repeated query parameters, so that no filter is silently ignored.

The known names are those in the route's signature, plus `openapi_extra` for handlers that read the query themselves.
"""

from collections import Counter
from collections.abc import Container
from copy import copy
from functools import cached_property
from urllib.parse import parse_qsl

from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.params import Cookie, Header, Path
from fastapi.requests import HTTPConnection
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.web.negotiation import wants_page

Problem = dict[str, tuple[str, ...] | str]
FROM_REQUEST = {"request": Request, "return": Response}
"""The annotations of an endpoint that parses the request itself."""


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
        self.app = _find_app(route)
        self.route = route

    @cached_property
    def names(self) -> dict[bytes, str]:
        """The names of the route's parameters, as bytes and as text."""
        return {name.encode(): name for name in _list_names(self.route)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request.

        Raises:
            RequestValidationError: for an HTTP request.
            WebSocketRequestValidationError: for a WebSocket handshake.
        """
        query: bytes = scope["query_string"]
        if query and not _has_no_problem(query, self.names) and not _is_page(scope, self.route):
            problems = _find_problems(query, tuple(self.names.values()))
            if problems and scope["type"] == "websocket":
                raise WebSocketRequestValidationError(problems)
            if problems:
                raise RequestValidationError(problems)
        await self.app(scope, receive, send)


def _find_app(route: APIRoute | APIWebSocketRoute) -> ASGIApp:
    """Return the application of a route. An endpoint that takes only the request is called without FastAPI's layers."""
    endpoint = route.endpoint
    if type(route) is not APIRoute or route.dependencies or endpoint.__annotations__ != FROM_REQUEST:
        return route.app

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response: Response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return answer


def _has_no_problem(query: bytes, known: Container[bytes]) -> bool:
    """Return whether all names are known and different. A percent-encoded name counts as unknown here."""
    names = [one.partition(b"=")[0] for one in query.split(b"&")]
    return len(set(names)) == len(names) and all(map(known.__contains__, names))


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
