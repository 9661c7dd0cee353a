"""Routes with a body whose caller is checked first, so that an unknown caller gets a 401 whatever the body contains."""

from fastapi import Request
from typing_extensions import override

from core.access.limits import authenticate_keyless
from functions.web.access import read_key
from functions.web.small_body import MediumBodyRoute


class KeyedBodyRoute(MediumBodyRoute):
    """A route of the playground that needs a live key."""

    @override
    async def check_caller(self, request: Request) -> None:
        await request.app.state.context.access.authenticate(await read_key(request))


class KeylessBodyRoute(MediumBodyRoute):
    """A route of the playground that needs a live key, unless PLAYGROUND_KEYLESS is set."""

    @override
    async def check_caller(self, request: Request) -> None:
        await authenticate_keyless(request.app.state.context.access, await read_key(request))
